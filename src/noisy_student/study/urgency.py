"""Which nodes to start first where several may run at once: those that the most work waits for."""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.study.node import Node

WEIGHTS = {"train-grpo": 30.0, "train-sft": 10.0, "sample": 3.0}
"""Rough seconds of a stage in the lab; every other counts 1. They order the work and promise nothing."""


def urgency(nodes: Sequence[Node]) -> dict[str, float]:
    """The work on the heaviest way from each node to the end, its own included, by key; ``nodes`` are inputs first."""
    found: dict[str, float] = {}
    for node in reversed(nodes):
        found[node.key] = found.get(node.key, 0.0) + WEIGHTS.get(node.stage, 1.0)
        for parent in node.parents:
            found[parent.key] = max(found.get(parent.key, 0.0), found[node.key])
    return found
