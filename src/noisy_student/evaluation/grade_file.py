"""Grades as a JSONL file: one sample against the key a line, so that any comparison can be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from noisy_student import files
from noisy_student.records import Grade


def write_grades(path: Path, grades: Iterable[Grade]) -> int:
    """Write one grade a line; returns how many."""
    return files.write_jsonl(path, (asdict(grade) for grade in grades))


def read_grades(path: Path) -> Iterator[Grade]:
    """Stream the grades of a file that this program wrote."""
    for row in files.read_jsonl(path):
        yield Grade(**row)
