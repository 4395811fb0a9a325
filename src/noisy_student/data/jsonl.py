"""Reads a JSONL file as items: one object a line, UTF-8; errors name file, line and column."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.data.fields import Fields, Need, SourceRow, read_items
from noisy_student.data.source import Item
from noisy_student.errors import UserError
from noisy_student.records import Kind


def read_jsonl(
    path: Path, *, answers: Need, fields: Fields | None = None, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every line as an item, in the order of the file; raises UserError for unusable lines."""
    return read_items(_rows(path), str(path), fields=fields or Fields(), answers=answers, label=label, kind=kind)


def _rows(path: Path) -> Iterator[SourceRow]:
    """Yield the objects of the file with their lines; skips empty lines and a byte order mark."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                place = f"{path}:{number}"
                line = _decoded(raw.removeprefix(BOM_UTF8) if number == 1 else raw, place)
                if line.strip():
                    yield SourceRow(_object(line, place), place)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", do="Check the path.", code="file-unreadable"
        ) from error


def _decoded(raw: bytes, place: str) -> str:
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{place}: not UTF-8 at byte {error.start + 1} of the line.",
            why="JSONL is UTF-8 text.",
            do="Convert the file to UTF-8.",
            code="file-not-utf8",
        ) from error


def _object(line: str, place: str) -> dict[str, Any]:
    value = files.parse_json(line, place=place)
    if not isinstance(value, dict):
        raise UserError(
            f"{place} holds {type(value).__name__}, not an object.",
            why="Each line of JSONL must be one {…}.",
            do="Correct or remove that line.",
            code="line-not-an-object",
        )
    return value
