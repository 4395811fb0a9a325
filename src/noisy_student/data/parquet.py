"""Reads parquet files as items, one batch of rows at a time, and writes rows as parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.data.fields import USUAL, Fields, Need, SourceRow, read_items
from noisy_student.data.source import Item
from noisy_student.errors import UserError
from noisy_student.records import Kind


def read_parquet(
    path: Path, *, answers: Need, fields: Fields | None = None, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every row as an item, in the order of the file; raises UserError for unusable rows."""
    fields = fields or Fields()
    return read_items(_rows(path, fields), str(path), fields=fields, answers=answers, label=label, kind=kind)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that all have the same columns."""
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), path)


def _rows(path: Path, fields: Fields) -> Iterator[SourceRow]:
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
