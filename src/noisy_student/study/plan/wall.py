"""The wall: no path of a plan leads from the key to training, but through a visible reveal."""

from __future__ import annotations

from collections.abc import Iterable

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node, parents_first

KEY = "key"
GATES = frozenset({"reveal"})
TRUTH_LANE = frozenset({"grade", "label-quality", "group-quality", "lineage"})
"""Stages that read the key and that nothing on the training side reads."""


def require_wall(targets: Iterable[Node]) -> None:
    """Raise UserError if a stage outside the truth lane can see the key other than through a reveal."""
    sees: dict[str, bool] = {}
    for node in parents_first(targets):
        seen = any(sees[parent.key] for parent in node.parents)
        if seen and node.stage not in TRUTH_LANE | GATES:
            raise UserError(
                f'"{node.title}" would read the answer key.',
                why="What is trained or voted on must not know the hidden answers.",
                do='Use "revealed" in the condition\'s train list, which shows in the plan.',
            )
        sees[node.key] = node.stage == KEY or (seen and node.stage not in GATES)
