"""Read and write JSONL of single-stage verbs: a path, or ``-`` for standard input and output."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.data.fields import Fields, Need, SourceRow, read_items
from noisy_student.data.source import Item
from noisy_student.errors import UserError

STANDARD = "-"


def read(path: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file or of standard input, one per line; raises UserError with the place of a fault."""
    if path == STANDARD:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8")
        try:
            yield from files.read_rows(sys.stdin, name="standard input")
        except UnicodeDecodeError as error:
            raise UserError(
                f"Standard input is not UTF-8 at byte {error.start}.", do="Convert it to UTF-8.", code="not-utf8"
            ) from error
    else:
        yield from files.read_jsonl(Path(path))


def name_of(path: str) -> str:
    """Return the name of a file, for messages."""
    return "standard input" if path == STANDARD else path


def placed(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object with its place, for messages."""
    for number, row in enumerate(read(path), start=1):
        yield f"{name_of(path)}, row {number}", row


def items(
    rows: Iterable[Mapping[str, Any]], file: str, *, answers: Need = "optional", fields: Fields | None = None
) -> list[Item]:
    """Return the questions in the rows of a JSONL file or of standard input."""
    name = name_of(file)
    placed = (SourceRow(values, f"{name}, row {number}") for number, values in enumerate(rows, start=1))
    return read_items(placed, name, fields=fields or Fields(), answers=answers)


def write(rows: Iterable[Mapping[str, Any]], path: str) -> None:
    """Write objects to a new file, atomically, or to standard output one by one."""
    if path != STANDARD:
        files.write_jsonl(new_path(path), rows)
        return
    # On a terminal, JSON escapes replace characters that would steer it or turn the reading direction.
    terminal = sys.stdout.isatty()
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=terminal, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def new_path(path: str) -> Path:
    """Return the path of a new file or folder; raises UserError if it exists or its parent folder does not."""
    target = Path(path)
    if target.exists():
        raise UserError(f"{path} exists and is not overwritten.", do="Give another --out.", code="output-exists")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent}.", do="Create it first.", code="folder-missing")
    return target
