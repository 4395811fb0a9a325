"""Builds training examples from labels.

An example holds question id and worked text only, not the label's origin: with the key in place of the votes, a noisy
student's examples equal the oracle's, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from noisy_student import files
from noisy_student.records import Example, Label


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples sorted by question id, and the number of labels left out because they have no worked text."""

    rows: tuple[Example, ...]
    without_solution: int


def examples(labels: Iterable[Label]) -> Examples:
    """Make one example from each label with a worked text; several of one question sort by text.

    >>> examples([Label("b", "7", "#### 7", "vote"), Label("a", "3", None, "vote")])
    Examples(rows=(Example(question_id='b', target='#### 7'),), without_solution=1)
    """
    rows, without = [], 0
    for label in labels:
        if label.solution is None:
            without += 1
        else:
            rows.append(Example(label.question_id, label.solution))
    rows.sort(key=lambda example: (example.question_id, example.target))
    return Examples(tuple(rows), without)


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write one example a line; return their number."""
    return files.write_jsonl(path, (asdict(example) for example in examples))


def read_examples(path: Path) -> list[Example]:
    """Read a file written by ``write_examples``."""
    return [Example(**row) for row in files.read_jsonl(path)]
