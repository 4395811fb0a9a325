"""Labels with their reasoning, or their answers, taken from one another: controls of what in a label is learned.

Questions form one cycle that the seed draws, and each takes from the next: none keeps its own, none is taken twice.
Gold labels stay, so that a control differs from its condition in what came with the other labels alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from noisy_student import seeds
from noisy_student.answers.hashes import MARK, first_hashes
from noisy_student.errors import NotTrainable
from noisy_student.records import Label


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Labels in the order they came, and how many of them took something from another question.

    ``kept`` stayed as they were, ``equal`` of the shuffled ones took what they had: another question's, but the same.
    """

    labels: tuple[Label, ...]
    shuffled: int
    kept: int
    equal: int


def others_rationales(labels: Iterable[Label], *, run_seed: int) -> Shuffled:
    """Each worked text ends in its own ``####`` answer, and begins with the reasoning of another question.

    Texts without ``####`` have no place to cut and stay, as do gold labels; a question's i-th text takes from the
    other's i-th, counted round. Raises NotTrainable where fewer than two questions have such a text.
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
    """Each question takes another one's answer, of a label of the same origin; agreement and texts do not move.

    Gold labels stay. An answer that is the same number for both questions stays right by chance. Raises NotTrainable
    for an origin with one question alone.
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
    """Where the answer of a worked text begins: at the ``####`` of the first complete one; None where nothing moves."""
    if label.origin == "gold" or label.solution is None:
        return None
    marked = first_hashes(label.solution)
    return None if marked is None else label.solution.rfind(MARK, 0, marked.end)


def _cycle(names: Sequence[str], run_seed: int, purpose: str, what: str) -> dict[str, str]:
    """Each name and the one after it in a circle drawn by the seed: any of the (n - 1)! is as likely."""
    if len(names) < 2:
        raise NotTrainable(
            f"{len(names)} questions have {what}.",
            why="To be shuffled there must be another one to take from.",
            do="Loosen the selection, or leave this control out.",
        )
    circle = list(names)
    seeds.generator(run_seed, purpose).shuffle(circle)
    return dict(zip(circle, [*circle[1:], circle[0]], strict=True))


def _counted(before: Sequence[Label], after: Sequence[Label], *, taken: Sequence[bool]) -> Shuffled:
    equal = sum(moved and one == other for one, other, moved in zip(before, after, taken, strict=True))
    return Shuffled(tuple(after), sum(taken), len(before) - sum(taken), equal)
