"""Reads JSONL and parquet files as items; errors name file, line and column. Writes parquet."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from noisy_student import files
from noisy_student.data.fields import USUAL, Fields, Need, SourceRow, read_items
from noisy_student.data.source import Item
from noisy_student.errors import UserError
from noisy_student.records import Kind

_CALCULATOR = re.compile(r"<<[^<>\n]*+>>")


def read_file(
    path: Path, *, answers: Need, fields: Fields | None = None, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every row of a parquet file (by its suffix) or every line of JSONL as an item, in the order of the file.

    Raises UserError for unusable rows.
    """
    fields = fields or Fields()
    rows = _parquet_rows(path, fields) if path.suffix == ".parquet" else _jsonl_rows(path)
    return read_items(rows, str(path), fields=fields, answers=answers, label=label, kind=kind)


def marked(item: Item, marks: Literal["removed", "kept"]) -> Item:
    """Return the item with the calculator marks in its worked solution removed, unless they are kept."""
    if marks == "kept" or item.solution is None:
        return item
    return replace(item, solution=without_marks(item.solution))


def without_marks(text: str) -> str:
    """Return the text without GSM8K's calculator marks such as ``<<6*7=42>>``."""
    return _CALCULATOR.sub("", text)


def _jsonl_rows(path: Path) -> Iterator[SourceRow]:
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


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that all have the same columns."""
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), path)


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a parquet file that this program wrote."""
    from pyarrow.parquet import read_table

    found: list[dict[str, Any]] = read_table(path).to_pylist()
    return found


def _parquet_rows(path: Path, fields: Fields) -> Iterator[SourceRow]:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            wanted = {name for names in USUAL.values() for name in names} | set(fields.model_dump().values())
            columns = [name for name in file.schema_arrow.names if name in wanted]
            if not columns:
                raise UserError(
                    f"{path} has no column for a question.",
                    why=f"Its columns are: {', '.join(file.schema_arrow.names)}.",
                    do='Name them (fields = { question = "…", answer = "…" }).',
                    code="column-missing",
                )
            number = 0
            for batch in file.iter_batches(columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield SourceRow(values, f"{path}, row {number}")
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"{path} cannot be read as parquet: {error}.", do="Download or write it again.", code="file-unreadable"
        ) from error
