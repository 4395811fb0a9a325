"""Examples of reinforcement learning: questions with one label each, weights of their advantages, order. No torch."""

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
class RlExamples:
    """One label a question, in their given order, and the question ids of labels that were left out.

    ``unreadable`` labels cannot be equal to any answer; ``too_long`` questions leave no tokens for one.
    """

    labels: tuple[Label, ...]
    unreadable: tuple[str, ...]
    too_long: tuple[str, ...]


def rl_examples(labels: Iterable[Label], *, fits: Collection[str]) -> RlExamples:
    """Select the labels to train on, the first of each question; raises NotTrainable when none is left.

    ``fits`` holds the ids of questions whose prompt and longest answer fit into the model.
    """
    first: dict[str, Label] = {}
    for label in labels:
        first.setdefault(label.question_id, label)
    unreadable = tuple(
        name for name, label in first.items() if not is_latex(label.answer) and canonical_number(label.answer) is None
    )
    too_long = tuple(name for name in first if name not in fits)
    left_out = {*unreadable, *too_long}
    used = tuple(label for name, label in first.items() if name not in left_out)
    if not used:
        raise NotTrainable(
            f"Of {len(first)} labels {len(unreadable)} are not numbers and {len(too_long)} questions are too long.",
            why="No answer could earn a reward.",
            do="Loosen the selection, or check the labels.",
            code="no-usable-labels",
        )
    return RlExamples(used, unreadable, too_long)


def advantage_weight(label: Label, spec: GrpoSpec) -> float:
    """Return the factor on the advantages of a question's answers."""
    if label.origin != "vote":
        return 1.0
    agreement = label.agreement if spec.weigh_agreement and label.agreement is not None else 1.0
    return spec.pseudo_weight * agreement


def visit_order(questions: int, rows: int, *, seed: int) -> list[int]:
    """Return positions of questions in the order of their visits: consecutive shuffles of all of them."""
    result: list[int] = []
    for epoch in range(-(-rows // questions)):
        positions = list(range(questions))
        seeds.generator(seed, "rollout-order", step=epoch).shuffle(positions)
        result += positions
    return result[:rows]
