"""Examples as a JSONL file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from noisy_student import files
from noisy_student.records import Example


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write one example a line; returns how many."""
    return files.write_jsonl(path, (asdict(example) for example in examples))


def read_examples(path: Path) -> list[Example]:
    """Read the examples of a file that this program wrote."""
    return [Example(**row) for row in files.read_jsonl(path)]
