"""Parquet: values as JSON has them, and files that unpack to far more than their size."""

from __future__ import annotations

import datetime
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow.parquet import write_table
from refusals import refused

from noisy_student import opener
from noisy_student.data import parquet
from noisy_student.data.formats import source_rows

SECONDS = 10.0
"""Longest time until a bomb is refused; each takes some hundredths of a second, and this machine may be busy."""


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pyarrow.array([Decimal("18.00"), Decimal("7.25"), None], pyarrow.decimal128(10, 2)), [18, 7.25, None]),
        (pyarrow.array([Decimal("0.1234567890123456789")], pyarrow.decimal128(30, 19)), ["0.1234567890123456789"]),
        (pyarrow.array([float("nan"), 0.5]), [None, 0.5]),
        (pyarrow.array([2**63 + 1], pyarrow.uint64()), [2**63 + 1]),
        (pyarrow.array([b"\xc3\xa9", b"\xff"]), ["é", b"\xff"]),
        (pyarrow.array([datetime.date(2020, 1, 2)]), ["2020-01-02"]),
        (pyarrow.array([datetime.datetime(2020, 1, 2, 3, 4)]), ["2020-01-02T03:04:00"]),
        (pyarrow.array([[Decimal(1)], []], pyarrow.list_(pyarrow.decimal128(3, 0))), [[1], []]),
        (pyarrow.array([{"a": b"x"}, None]), [{"a": "x"}, None]),
        (pyarrow.array(["x", "x"]).dictionary_encode(), ["x", "x"]),
        (pyarrow.array([True, None]), [True, None]),
    ],
)
def test_values(column: pyarrow.Array, values: list[Any], tmp_path: Path) -> None:
    write_table(pyarrow.table({"a": column}), tmp_path / "a.parquet")
    assert [row.values["a"] for row in source_rows(tmp_path / "a.parquet")] == values


def test_infinite_numbers_and_repeated_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(pyarrow.table({"a": [1.0, float("inf")]}), path)
    with refused("number-not-finite", "row 2"):
        list(source_rows(path))
    for name in ("a", ""):
        write_table(pyarrow.table([[1], [2]], names=[name, name]), path)
        with refused("column-repeated", f'"{name}"'):
            list(source_rows(path))


def _bomb(kind: str, path: Path) -> None:
    text = "x" * 2000
    if kind == "dictionary":
        values = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1_000_000), pyarrow.array([text]))
        write_table(pyarrow.table({"question": values}), path, store_schema=False)
    elif kind == "plain":
        write_table(pyarrow.table({"question": [text] * 60_000}), path, use_dictionary=False, compression="zstd")
    elif kind == "prefix":
        write_table(
            pyarrow.table({"question": [text] * 60_000}),
            path,
            use_dictionary=False,
            column_encoding={"question": "DELTA_BYTE_ARRAY"},
        )
    elif kind == "large-values":
        values = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 100_000), pyarrow.array(["x" * 1_000_000]))
        write_table(pyarrow.table({"question": values}), path, compression="zstd")
    elif kind == "lists":
        places = pyarrow.array(range(0, 60_001, 100), pyarrow.int32())
        lists = pyarrow.ListArray.from_arrays(places, pyarrow.array([text] * 60_000))
        write_table(pyarrow.table({"question": lists}), path)
    elif kind == "rows":
        write_table(pyarrow.table({"question": pyarrow.nulls(parquet.MOST_ROWS + 1, pyarrow.string())}), path)
    else:
        places = pyarrow.array([0, 5_000_000], pyarrow.int32())
        values = pyarrow.nulls(5_000_000, pyarrow.int8())
        write_table(pyarrow.table({"l": pyarrow.ListArray.from_arrays(places, values)}), path)


@pytest.mark.parametrize("kind", ["dictionary", "plain", "prefix", "large-values", "lists", "rows", "one-row"])
def test_a_bomb_is_refused_before_it_is_unpacked(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind not in ("dictionary", "large-values"):
        # To write more than the limit would take as much memory.
        monkeypatch.setattr(opener, "LARGEST_UNPACKED", opener.LARGEST_UNPACKED // 10)
    path = tmp_path / "bomb.parquet"
    _bomb(kind, path)
    assert path.stat().st_size < 5_000_000
    start = time.process_time()
    with refused("file-too-large", "bomb.parquet"):
        next(source_rows(path))
    assert time.process_time() - start < SECONDS


def test_a_file_that_unpacks_to_less_than_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    write_table(pyarrow.table({"a": ["x" * 100] * 1000, "b": [["y" * 10] * 3] * 1000}), path)
    for most, code in ((200_000, None), (120_000, "file-too-large")):
        monkeypatch.setattr(opener, "LARGEST_UNPACKED", most)
        monkeypatch.setattr(opener, "USUAL_RATIO", 1)
        if code is None:
            assert len(list(source_rows(path))) == 1000
        else:
            with refused(code, f"{most:,}"):
                list(source_rows(path))


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(pyarrow.table({"a": [1]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with refused("file-unreadable", "as parquet"):
        list(source_rows(path))


def test_a_number_of_four_bytes_is_the_decimal_that_was_written(tmp_path: Path) -> None:
    single = pyarrow.float32()
    table = {"a": pyarrow.array([3.3, 0.1, None], single), "b": pyarrow.array([[3.3], [], None], pyarrow.list_(single))}
    write_table(pyarrow.table(table), tmp_path / "a.parquet")
    found = [dict(row.values) for row in source_rows(tmp_path / "a.parquet")]
    assert found == [{"a": 3.3, "b": [3.3]}, {"a": 0.1, "b": []}, {"a": None, "b": None}]
