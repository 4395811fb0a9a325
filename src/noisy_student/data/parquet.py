"""Reads and writes parquet; a file that unpacks to more than its size promises is refused before it is read."""

from __future__ import annotations

import datetime
import decimal
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisy_student import opener
from noisy_student.data.columns import SourceRow, require_distinct_names
from noisy_student.errors import UserError

if TYPE_CHECKING:
    from pyarrow import Table
    from pyarrow.parquet import FileMetaData

MOST_ROWS = 20_000_000
MOST_VALUES = 1_000_000
"""Entries of the lists of one column that a row may hold, on average over a part of the file."""
BATCH = 4096
"""Rows that are unpacked at once."""
FEW, FEWEST = 64, 8
"""Rows that are unpacked at once to be measured, where values may be large, and where they may be very large."""
_DENSEST = {"UNCOMPRESSED": 1, "SNAPPY": 32, "LZ4": 256, "GZIP": 1100}
"""Bytes that one packed byte can give, by the formats' own rules; 32,768 for others, as zstd (128 KiB from 4 bytes)."""
_SMALL = 64_000_000
"""Bytes of a column whose distinct values are counted rather than unpacked, which is slow for more of them."""


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


def parquet_rows(found: opener.Opened) -> Iterator[SourceRow]:
    """Yield the rows of an open parquet file, with values as JSON has them.

    Dates become text, decimals numbers, bytes text where they are UTF-8; NaN becomes None. Raises UserError for a file
    that is damaged, or that unpacks to more than ``opener.most_unpacked``.
    """
    import pyarrow
    from pyarrow.parquet import ParquetFile

    content: Any = found.file
    if not found.size:
        # pyarrow reads from any place of a file, which a pipe does not allow.
        content = io.BytesIO(opener.limited(found.name, found.file, opener.LARGEST_DOCUMENT))
    try:
        with ParquetFile(content) as file:
            require_distinct_names(file.schema_arrow.names, found.name)
            _require_bounded(content, file.metadata, found)
            number, left = 0, opener.most_unpacked(found.size)
            for batch in file.iter_batches(batch_size=BATCH):
                left -= batch.nbytes
                if left < 0:
                    raise opener.too_large(f"{found.name} unpacks to more than its footer says")
                for values in _shortest(batch).to_pylist():
                    number += 1
                    place = f"{found.name}, row {number}"
                    yield SourceRow({name: _value(value, name, place) for name, value in values.items()}, place)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(
            f"{found.name} cannot be read as parquet: {error}.",
            do="Download or write it again.",
            code="file-unreadable",
        ) from error


def _require_bounded(content: Any, footer: FileMetaData, found: opener.Opened) -> None:
    """Raise UserError if the file unpacks to too much: by its footer, and where that cannot tell, by measuring it.

    A value that repeats is stored once, so the footer's sizes do not bound the unpacked ones.
    """
    from pyarrow.parquet import ParquetFile

    most = opener.most_unpacked(found.size)
    too_much = opener.too_large(f"{found.name} unpacks to more than {most:,} bytes")
    if footer.num_rows > MOST_ROWS:
        raise opener.too_large(f"{found.name} has {footer.num_rows:,} rows, and at most {MOST_ROWS:,} are read")
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    if any(chunk.num_values > MOST_VALUES * max(1, footer.num_rows) for chunk in chunks):
        raise opener.too_large(f"{found.name} has rows of more than {MOST_VALUES:,} values")
    if sum(chunk.total_uncompressed_size for chunk in chunks) > most:
        raise too_much
    # No value is larger than all distinct values of its column together.
    largest = [chunk for chunk in chunks if chunk.num_values * _unpacked(chunk) > most // len(chunks)]
    if not largest:
        return
    schema = footer.schema.to_arrow_schema()
    left = most
    for name in sorted({chunk.path_in_schema.partition(".")[0] for chunk in largest}):
        own = [chunk for chunk in largest if chunk.path_in_schema.partition(".")[0] == name]
        dense = all(chunk.total_uncompressed_size <= opener.USUAL_RATIO * chunk.total_compressed_size for chunk in own)
        small = all(chunk.total_uncompressed_size < _SMALL for chunk in own)
        counted = (
            (small or not dense)
            and schema.field(name).type in _texts()
            and not any("DELTA_BYTE_ARRAY" in chunk.encodings for chunk in own)
        )
        with ParquetFile(content, read_dictionary=[name] if counted else []) as file:
            if counted:
                sizes = (_counted_size(file.read_row_group(number, [name])) for number in range(len(groups)))
            else:
                rows = FEW if dense else FEWEST
                sizes = (batch.nbytes for batch in file.iter_batches(batch_size=rows, columns=[name]))
            for size in sizes:
                left -= size
                if left < 0:
                    raise too_much


def _unpacked(chunk: Any) -> int:
    """Return the most bytes that a column chunk can unpack to; the size in the footer is the file's own claim."""
    most: int = _DENSEST.get(chunk.compression, 32_768) * chunk.total_compressed_size
    return max(most, int(chunk.total_uncompressed_size))


def _shortest(batch: Any) -> Any:
    """Return the batch with each float32 as the shortest decimal that reads back equal: 3.3, not 3.299999952316284."""
    import pyarrow

    text, double = pyarrow.string(), pyarrow.float64()
    columns = []
    for column in batch.columns:
        if pyarrow.types.is_float32(column.type):
            column = column.cast(text).cast(double)
        elif pyarrow.types.is_list(column.type) and pyarrow.types.is_float32(column.type.value_type):
            column = column.cast(pyarrow.list_(text)).cast(pyarrow.list_(double))
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _texts() -> tuple[Any, ...]:
    import pyarrow

    return pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary()


def _counted_size(table: Table) -> int:
    """Return the bytes of the values of a table whose columns are dictionaries, repeated ones each time."""
    from pyarrow import compute

    total = 0
    for column in table.columns:
        for part in column.chunks:
            lengths = compute.binary_length(part.dictionary).cast("int64").take(part.indices)
            total += compute.sum(lengths).as_py() or 0
    return total


def _value(value: Any, name: str, place: str) -> Any:
    """Return a value of parquet as JSON has it; bytes that are no text stay bytes, which readers of text refuse."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise UserError(
                f'{place}: "{name}" is {value}.',
                why="JSON has no infinite numbers.",
                do="Correct that row.",
                code="number-not-finite",
            )
        return None if math.isnan(value) else value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list | tuple):
        return [_value(item, name, place) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, name, place) for key, item in value.items()}
    if isinstance(value, decimal.Decimal) and value.is_finite():
        if value == value.to_integral_value():
            return int(value)
        return float(value) if decimal.Decimal(repr(float(value))) == value else f"{value:f}"
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
