"""The wall: in a plan, the answer key reaches training only through a visible reveal."""

from __future__ import annotations

from collections.abc import Iterable

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study import stages


def require_wall(targets: Iterable[Node]) -> None:
    """Raise UserError where a stage of the training lane descends from the key other than through a gate.

    A stage of another package cannot be a gate, whatever it declares.
    """
    sees: dict[str, bool] = {}
    for node in parents_first(targets):
        seen = any(sees[parent.key] for parent in node.parents)
        gate = node.lane == "gate" and node.module.startswith(f"{stages.__name__}.")
        if seen and not gate and node.lane != "truth":
            raise UserError(
                f'"{node.title}" would read the answer key.',
                why="Training and voting must not depend on the hidden answers.",
                do='Use "revealed" in the condition\'s train list, which the plan shows.',
                code="key-reaches-training",
            )
        sees[node.key] = node.lane == "key" or (seen and not gate)
