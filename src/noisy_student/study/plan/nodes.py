"""Nodes of one condition and of one set of labels, and the training that a node forwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from noisy_student.pipeline.node import Node


@dataclass(frozen=True, slots=True)
class ConditionNodes:
    """Nodes of one condition of one seed; ``train`` is None for the untrained model.

    ``quality`` compares its pseudo-labels with the key, where they are one set.
    """

    name: str
    seed: int
    train: Node | None
    learned: Node | None
    """The node that reads its ``labels``: its examples, or the training itself."""
    grade: Node
    quality: Node | None
    groups: Node | None
    """GRPO's groups of answers against the key."""
    review: Node | None = None
    """Comparison with the round before, where it must be accepted."""
    lineage: Node | None = None
    """Change of its labels since the round before."""
    measures: Mapping[str, Node] = field(default_factory=dict)
    """Measurements of its graded answers that the study asks for, by stage."""


@dataclass(frozen=True, slots=True)
class LabelNodes:
    """One set of votes of one seed, all labels that they give, and their quality against the key, if it can hold it.

    ``on_dev`` is the quality of the same teacher's votes on dev, where the unlabeled questions have no answers.
    """

    name: str
    seed: int
    teacher: str
    votes: Node
    labels: Node
    quality: Node | None
    on_dev: Node | None


def first_trained(node: Node) -> Node:
    """Follow tune/accept/last nodes back to the first training they may forward, for what all of those share."""
    while node.forwards is not None:
        role = node.forwards
        node = node.inputs[f"{role}0" if role.endswith("-") else role][0]
    return node


def is_adapter(node: Node) -> bool:
    """True if ``node`` is, or forwards, an adapter that is not merged into its base model."""
    lora = first_trained(node).spec.get("lora")
    return lora is not None and not lora["merge"]
