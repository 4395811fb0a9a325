"""Reads files as items, in any format of ``formats``; errors name file, line and column."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from noisy_student.data.fields import Fields, Need, Reading, Rules, read_rows
from noisy_student.data.formats import source_rows
from noisy_student.data.source import Item
from noisy_student.records import Kind

_CALCULATOR = re.compile(r"<<[^<>\n]*+>>")


def read_file(
    path: Path, *, answers: Need, fields: Fields | None = None, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every row of a file as an item, in the order of the file; raises UserError for unusable rows."""
    return read_path(path, Rules(fields or Fields(), answers, kind=kind, label=label)).items


def read_path(path: Path, rules: Rules) -> Reading:
    """Read a file by ``rules``, with the columns it was read by and the rows left out."""
    return read_rows(source_rows(path), str(path), rules)


def marked(item: Item, marks: Literal["removed", "kept"]) -> Item:
    """Return the item with the calculator marks in its worked solution removed, unless they are kept."""
    if marks == "kept" or item.solution is None:
        return item
    return replace(item, solution=without_marks(item.solution))


def without_marks(text: str) -> str:
    """Return the text without GSM8K's calculator marks such as ``<<6*7=42>>``."""
    return _CALCULATOR.sub("", text)
