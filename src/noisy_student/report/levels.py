"""How agreement and truth go together: the seeds of one set of labels laid on one another, level by level.

Rows of ``labels`` come in, one ``Histogram`` a set of labels goes out. Levels are the attainable ones, 0 to K votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noisy_student.report.wording import Row


@dataclass(frozen=True, slots=True)
class Level:
    """The questions whose leading answer has ``votes`` votes; ``accuracy`` is None where the truth is unknown."""

    votes: int
    questions: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """The levels of one set of labels, its seeds added up."""

    name: str
    k: int
    seeds: int
    levels: tuple[Level, ...]


def histograms(labels: Sequence[Row]) -> list[Histogram]:
    """One histogram for each name and K that has levels, in the order of their first row."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in labels:
        if row.get("by_level") and row.get("k"):
            groups.setdefault((str(row.get("name")), int(row["k"])), []).append(row)
    return [Histogram(name, k, len(group), _levels(group)) for (name, k), group in groups.items()]


def _levels(group: Sequence[Row]) -> tuple[Level, ...]:
    parts: dict[int, list[Row]] = {}
    for row in group:
        for level in row["by_level"]:
            parts.setdefault(int(level["votes"]), []).append(level)
    return tuple(_sum(votes, parts[votes]) for votes in sorted(parts))


def _sum(votes: int, parts: Sequence[Row]) -> Level:
    questions = sum(part.get("questions") or 0 for part in parts)
    weighted = [(part["accuracy"], part["questions"]) for part in parts if part.get("questions")]
    if not weighted or any(accuracy is None for accuracy, _ in weighted):
        return Level(votes, questions, None)
    return Level(votes, questions, sum(accuracy * number for accuracy, number in weighted) / questions)
