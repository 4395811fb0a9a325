"""What GRPO is taught from: questions with one answer each, whose reward they decide, and their weights. No torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.answers.latex import is_latex
from noisy_student.answers.normalize import canonical_number
from noisy_student.errors import NotTrainable
from noisy_student.records import Label
from noisy_student.training.specs.grpo import GrpoSpec


@dataclass(frozen=True, slots=True)
class Lessons:
    """One label a question, in the order they came, and the ids of those that cannot be used.

    ``unreadable`` labels are no answer that a text could reach, ``too_long`` questions leave no room for one.
    """

    labels: tuple[Label, ...]
    unreadable: tuple[str, ...]
    too_long: tuple[str, ...]


def lessons(labels: Iterable[Label], *, fits: Collection[str]) -> Lessons:
    """The labels that can be learned from; NotTrainable when none can.

    ``fits`` are the questions whose prompt and answer fit into the model. A question has one label, however many
    worked texts stand for it.
    """
    first: dict[str, Label] = {}
    for label in labels:
        first.setdefault(label.question_id, label)
    unreadable = tuple(name for name, label in first.items() if not _is_readable(label.answer))
    too_long = tuple(name for name in first if name not in fits)
    left_out = {*unreadable, *too_long}
    used = tuple(label for name, label in first.items() if name not in left_out)
    if not used:
        raise NotTrainable(
            f"Of {len(first)} labels {len(unreadable)} are no number and {len(too_long)} questions are too long.",
            why="Nothing is left that an answer could be paid for.",
            do="Loosen the selection, or check the labels.",
        )
    return Lessons(used, unreadable, too_long)


def _is_readable(answer: str) -> bool:
    return is_latex(answer) or canonical_number(answer) is not None


def weight(label: Label, spec: GrpoSpec) -> float:
    """What the advantages of a question's answers are multiplied by."""
    if label.origin != "vote":
        return 1.0
    agreement = label.agreement if spec.weigh_agreement and label.agreement is not None else 1.0
    return spec.pseudo_weight * agreement


def visits(questions: int, rows: int, *, seed: int) -> list[int]:
    """Positions of questions in the order of their visits: one fresh shuffle of all after the other."""
    result: list[int] = []
    epoch = 0
    while len(result) < rows:
        positions = list(range(questions))
        seeds.generator(seed, "rollout-order", step=epoch).shuffle(positions)
        result += positions
        epoch += 1
    return result[:rows]
