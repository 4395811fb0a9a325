"""Shuffles reasoning or answers among labels: controls that show which part of a label is learned.

The seed draws one cycle of questions and each takes from the next: none keeps its own and none is taken twice. Gold
labels stay, so a control differs from its condition in the other labels alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from noisy_student import seeds
from noisy_student.answers.marks import MARK, first_hashes
from noisy_student.answers.thoughts import without_thoughts
from noisy_student.errors import NotTrainable
from noisy_student.records import Label


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Labels in their given order, with the number shuffled and kept; ``equal`` of the shuffled did not change."""

    labels: tuple[Label, ...]
    shuffled: int
    kept: int
    equal: int


def others_rationales(labels: Iterable[Label], *, run_seed: int) -> Shuffled:
    """Give each worked text the reasoning of another question before its own ``####`` answer.

    Texts without ``####`` cannot be cut and stay, as do gold labels; a question's i-th text takes the other's i-th,
    modulo their number. Raises NotTrainable if fewer than two questions have such a text.
    """
    labels = list(labels)
    cuts = [_cut(label) for label in labels]
    reasons: dict[str, list[str]] = {}
    for label, cut in zip(labels, cuts, strict=True):
        if cut is not None:
            reasons.setdefault(label.question_id, []).append(str(label.solution)[:cut])
    source = _cycle(sorted(reasons), run_seed, "shuffle-rationale", "a worked text with ####")
    given, used = [], dict.fromkeys(reasons, 0)
    for label, cut in zip(labels, cuts, strict=True):
        if cut is None:
            given.append(label)
            continue
        others = reasons[source[label.question_id]]
        other = others[used[label.question_id] % len(others)]
        used[label.question_id] += 1
        given.append(replace(label, solution=other + str(label.solution)[cut:]))
    return _counted(labels, given, taken=[cut is not None for cut in cuts])


def others_answers(labels: Iterable[Label], *, run_seed: int) -> Shuffled:
    """Give each question the answer of another label of the same origin; agreement and texts stay.

    Gold labels stay. Two questions with equal answers stay right by chance. Raises NotTrainable for an origin with a
    single question.
    """
    labels = list(labels)
    moved = [label.origin != "gold" for label in labels]
    answers: dict[tuple[str, str], str] = {}
    for origin in sorted({label.origin for label in labels} - {"gold"}):
        own = {label.question_id: label.answer for label in labels if label.origin == origin}
        cycle = _cycle(sorted(own), run_seed, f"shuffle-labels:{origin}", f"a label of origin {origin}")
        answers |= {(origin, name): own[other] for name, other in cycle.items()}
    given = [replace(label, answer=answers.get((label.origin, label.question_id), label.answer)) for label in labels]
    return _counted(labels, given, taken=moved)


def _cut(label: Label) -> int | None:
    """Return where the answer begins: at the first complete ``####``; None for labels that stay."""
    if label.origin == "gold" or label.solution is None:
        return None
    marked = first_hashes(without_thoughts(label.solution).text)
    return None if marked is None else label.solution.rfind(MARK, 0, marked.end)


def _cycle(names: Sequence[str], run_seed: int, purpose: str, what: str) -> dict[str, str]:
    """Map each name to the next in a random cycle, uniform over all (n - 1)! cycles."""
    if len(names) < 2:
        raise NotTrainable(
            f"{len(names)} questions have {what}.",
            why="Shuffling takes from another question, so it needs at least two.",
            do="Loosen the selection, or leave this control out.",
            code="too-few-to-shuffle",
        )
    circle = list(names)
    seeds.generator(run_seed, purpose).shuffle(circle)
    return dict(zip(circle, [*circle[1:], circle[0]], strict=True))


def _counted(before: Sequence[Label], after: Sequence[Label], *, taken: Sequence[bool]) -> Shuffled:
    equal = sum(moved and one == other for one, other, moved in zip(before, after, taken, strict=True))
    return Shuffled(tuple(after), sum(taken), len(before) - sum(taken), equal)
