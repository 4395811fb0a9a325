"""``extract``: extract the answer from each text of a JSONL file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from noisy_student.answers.extract import extract
from noisy_student.cli import options, stream
from noisy_student.data.rows import text_of
from noisy_student.records import Answer


def command(file: options.File = stream.STANDARD, out: options.Out = stream.STANDARD) -> None:
    """Read a ``text`` per line and add ``answer``, ``method`` and ``strict``; other keys pass through."""
    stream.write(_rows(file), out)


def _rows(file: str) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(stream.read(file), start=1):
        found = extract(text_of(row, "text", f"{file}, row {number}")) if row.get("text") != "" else None
        yield {
            **row,
            "answer": found.canonical if isinstance(found, Answer) else None,
            "method": found.method if isinstance(found, Answer) else None,
            "strict": isinstance(found, Answer) and found.strict,
        }
