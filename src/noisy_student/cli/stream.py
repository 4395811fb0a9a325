"""Read the files of single-stage verbs and write JSONL: a path, or ``-`` for standard input and output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from noisy_student import files, opener
from noisy_student.data.columns import SourceRow
from noisy_student.data.fields import Fields, Need, read_items
from noisy_student.data.formats import rows_of, source_rows
from noisy_student.data.rows import require_encodable
from noisy_student.data.source import Item
from noisy_student.errors import UserError

STANDARD = "-"


def read(path: str) -> Iterator[SourceRow]:
    """Yield the rows of a file or of standard input with their places; raises UserError with the place of a fault."""
    if path == STANDARD:
        yield from rows_of(opener.standard_input())
    else:
        yield from source_rows(Path(path))


def name_of(path: str) -> str:
    """Return the name of a file, for messages."""
    return opener.STANDARD_INPUT if path == STANDARD else path


def items(rows: Iterable[SourceRow], file: str, *, answers: Need = "any", fields: Fields | None = None) -> list[Item]:
    """Return the questions in the rows of a file or of standard input.

    By default answers are not used, so one that cannot be read is unknown.
    """
    return read_items(rows, name_of(file), fields=fields or Fields(), answers=answers)


def require_writable(row: SourceRow) -> dict[str, Any]:
    """Return the row's values to be passed on; raises UserError for one that JSON in UTF-8 cannot hold."""
    for name, value in row.values.items():
        _require_writable(name, "the name of a column", row.place)
        _require_writable(value, name, row.place)
    return dict(row.values)


def _require_writable(value: Any, name: str, place: str) -> None:
    if isinstance(value, str):
        if not value.isascii():
            require_encodable(value, name, place)
    elif isinstance(value, bytes):
        raise UserError(
            f'{place}: "{name}" holds bytes that are no UTF-8 text.',
            why="JSON holds text.",
            do="Leave that column out, or decode it.",
            code="value-not-text",
        )
    elif isinstance(value, list | dict):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _require_writable(item, name, place)


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
