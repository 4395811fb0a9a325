"""Lineage of the labels from one round to the next: counts of those kept, flipped, gained and lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from noisy_student.answer_key import AnswerKey
from noisy_student.answers.equivalence import same
from noisy_student.records import Vote


@dataclass(frozen=True, slots=True)
class Lineage:
    """Counts of questions; ``same`` to ``without`` make up all that were voted on in both rounds.

    ``mended`` and ``spoiled`` are flips to and from the right answer, None where a truth is not known. ``kept`` are
    selected in both rounds, ``added`` in the second only.
    """

    questions: int
    same: int
    flipped: int
    gained: int
    lost: int
    without: int
    mended: int | None
    spoiled: int | None
    kept: int
    added: int


def lineage(
    before: Iterable[Vote], now: Iterable[Vote], *, selected: tuple[Collection[str], Collection[str]], key: AnswerKey
) -> Lineage:
    """Compare two rounds' votes on the same questions, and the ids that each round selected."""
    was = {vote.question_id: vote.winner for vote in before}
    pairs = {vote.question_id: (was[vote.question_id], vote.winner) for vote in now if vote.question_id in was}
    kinds = [_kind(old, new) for old, new in pairs.values()]
    flips = {name: pair for name, pair in pairs.items() if _kind(*pair) == "flipped"}
    known = all(name in key for name in flips)
    first, second = set(selected[0]), set(selected[1])
    return Lineage(
        questions=len(pairs),
        same=kinds.count("same"),
        flipped=kinds.count("flipped"),
        gained=kinds.count("gained"),
        lost=kinds.count("lost"),
        without=kinds.count("without"),
        mended=_right(flips, 1, key) if known else None,
        spoiled=_right(flips, 0, key) if known else None,
        kept=len(first & second),
        added=len(second - first),
    )


def _kind(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "without" if old == new else "gained" if old is None else "lost"
    return "same" if same(old, new) else "flipped"


def _right(flips: Mapping[str, tuple[str | None, str | None]], side: int, key: AnswerKey) -> int:
    """The number of flips with the right answer on one side: 0 before, 1 now."""
    return sum(same(answer, key[name].answer) for name, pair in flips.items() if (answer := pair[side]) is not None)
