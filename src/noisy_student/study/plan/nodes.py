"""What one condition and one set of labels of a seed consist of, as nodes."""

from __future__ import annotations

from dataclasses import dataclass

from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store


@dataclass(frozen=True, slots=True)
class ConditionNodes:
    """What one condition of one seed consists of; ``train`` is None for an untrained model.

    ``quality`` compares the pseudo-labels that it learned from with the key, where there is one set of them.
    """

    name: str
    seed: int
    train: Node | None
    learned: Node | None
    """The node whose ``labels`` it learns from: its examples, or the training itself."""
    grade: Node
    quality: Node | None
    groups: Node | None
    """What its groups of answers taught, where it was trained by GRPO."""
    review: Node | None = None
    """How it was held against the round before, where it has to be accepted."""
    lineage: Node | None = None
    """How its labels changed since the round before."""


@dataclass(frozen=True, slots=True)
class LabelNodes:
    """One set of votes of one seed, all labels that they give, and their quality against the key.

    ``on_dev`` is the quality of the same teacher's votes on dev, made where the unlabeled questions have no answers.
    """

    name: str
    seed: int
    teacher: str
    votes: Node
    labels: Node
    quality: Node
    on_dev: Node | None


def trained_by(node: Node | None, store: Store) -> Node | None:
    """Follow tune/accept/last nodes back to the training they forward; None where the choice is not made yet."""
    while node is not None and node.forwards is not None:
        role = node.forwards
        if role.endswith("-"):
            summary = store.summary(node)
            if summary is None:
                return None
            role += str(summary["chosen"])
        node = node.inputs[role][0]
    return node


def first_trained(node: Node) -> Node:
    """Follow tune/accept/last nodes back to the first training they may forward, for what all of those share."""
    while node.forwards is not None:
        role = node.forwards
        node = node.inputs[f"{role}0" if role.endswith("-") else role][0]
    return node


def is_adapter(node: Node) -> bool:
    """Whether ``node`` hands on an adapter, which needs its base beside it, and not a whole model."""
    lora = first_trained(node).spec.get("lora")
    return lora is not None and not lora["merge"]
