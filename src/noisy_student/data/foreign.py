"""Chooses foreign questions to vote on, without those that repeat a question of the study.

Questions are taken in a seeded order until there are enough. Left out, and counted, are rows of excluded sources,
questions with two answers and, if requested, without an answer; then all that repeat a question of the study or of an
excluded source by their words (``overlap``), whatever their source column says, since gathered pools hold benchmarks
under many names. Paraphrases with new numbers pass this check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from noisy_student import seeds
from noisy_student.data.overlap import OverlapIndex, Removal
from noisy_student.data.source import Item, richness
from noisy_student.errors import UserError

SHOWN = 20
"""Repetitions that the manifest lists in full; a pool may have thousands."""

REASONS = {
    "excluded-source": "of an excluded source",
    "repeats-itself": "repeating another row of the pool",
    "two-answers": "with two answers",
    "no-answer": "without a readable answer",
    "repeats-test": "repeating a test question",
    "repeats-labeled": "repeating a labeled question",
    "repeats-unlabeled": "repeating an unlabeled question",
    "repeats-source": "repeating another question of data.source",
    "repeats-excluded": "repeating a question of an excluded source",
}
"""Reasons to leave out a row, or a question of several rows."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidate questions of a foreign source, each once and in order, and counts of those left out.

    ``excluded`` are the questions of excluded sources, which candidates may repeat.
    """

    items: Iterable[Item]
    excluded: Sequence[Item] = ()
    rows: int | None = None
    """Rows of the file; None for generated questions."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of rows by reason; a question of several rows counts once if its answers are the reason."""


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """The foreign questions of one split, with counts of those left out.

    ``examined`` counts the questions compared with the study's until there were enough. ``removed`` are the first
    repetitions found.
    """

    items: tuple[Item, ...]
    rows: int | None
    examined: int
    left_out: Mapping[str, int]
    by_words: Mapping[str, int]
    removed: tuple[Removal, ...]

    @property
    def summary(self) -> dict[str, Any]:
        """Return counts by reason, how repetitions were found, and the first of them, as JSON."""
        return {
            "questions": len(self.items),
            "answered": sum(item.answer is not None for item in self.items),
            "rows": self.rows,
            "examined": self.examined,
            "left_out": dict(self.left_out),
            "found_by": dict(self.by_words),
            "removed": [asdict(removal) for removal in self.removed],
        }


def pool(items: Iterable[Item], *, exclude_sources: Iterable[str], only_answered: bool, run_seed: int) -> Pool:
    """Order the questions of a file by seed, each once, without those that their row or answers rule out.

    A question under both an excluded and another source is left out under both.
    """
    barred = {name.casefold().strip() for name in exclude_sources}
    left_out: Counter[str] = Counter()
    excluded: dict[str, Item] = {}
    kept: dict[str, Item] = {}
    answers: dict[str, set[str]] = {}
    count = 0
    for item in items:
        count += 1
        name = item.question.id
        if item.question.source.casefold().strip() in barred:
            excluded.setdefault(name, item)
            left_out["excluded-source"] += 1
            continue
        if item.answer is not None:
            answers.setdefault(name, set()).add(item.answer)
        if name in kept:
            left_out["repeats-itself"] += 1
        if name not in kept or (richness(item) < richness(kept[name])):
            kept[name] = item
    ranked = sorted(kept, key=lambda name: (seeds.seed(run_seed, "foreign", name), name))
    chosen = []
    for name in ranked:
        faults = {
            "excluded-source": name in excluded,
            "two-answers": len(answers.get(name, ())) > 1,
            "no-answer": only_answered and kept[name].answer is None,
        }
        reason = next((reason for reason, found in faults.items() if found), None)
        if reason is None:
            chosen.append(kept[name])
        else:
            left_out[reason] += 1
    return Pool(chosen, tuple(excluded.values()), count, left_out)


def choose(found: Pool, count: int, study: Mapping[str, Iterable[Item]]) -> ForeignPart:
    """Choose the first ``count`` questions that repeat none of the study's.

    ``study`` maps ``test``, ``labeled``, ``unlabeled`` and ``source`` to items. Raises UserError if too few are left.
    """
    indexes = [(f"repeats-{name}", OverlapIndex(items)) for name, items in study.items()]
    indexes.append(("repeats-excluded", OverlapIndex(found.excluded)))
    left_out, by_words = Counter(found.left_out), Counter[str]()
    removed: list[Removal] = []
    kept: list[Item] = []
    examined = 0
    for item in found.items:
        examined += 1
        found_by = ((reason, index.find(item)) for reason, index in indexes)
        reason, removal = next((pair for pair in found_by if pair[1] is not None), ("", None))
        if removal is None:
            kept.append(item)
        else:
            left_out[reason] += 1
            by_words[removal.reason] += 1
            removed += [removal] if len(removed) < SHOWN else []
        if len(kept) == count:
            break
    counts = {name: left_out[name] for name in sorted(left_out)}
    if len(kept) < count:
        _refuse(count, len(kept), counts)
    return ForeignPart(
        tuple(kept), found.rows, examined, counts, {name: by_words[name] for name in sorted(by_words)}, tuple(removed)
    )


def _refuse(count: int, there: int, left_out: Mapping[str, int]) -> None:
    told = ", ".join(f"{number} {REASONS.get(reason, reason)}" for reason, number in left_out.items())
    raise UserError(
        f"data.foreign.count is {count} and {there} questions are available{f' ({told})' if told else ''}.",
        why="A foreign question must not repeat one of the study.",
        do=f"Lower data.foreign.count to {there}, or give more questions." if there else "Give other questions.",
        code="too-few-foreign-questions",
    )
