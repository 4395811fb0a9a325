"""Which training a student comes from: its own, or the one that was best on dev of those at several learning rates."""

from __future__ import annotations

from noisy_student.study.node import Node
from noisy_student.study.store import Store

TUNE = "tune"


def trained_by(node: Node | None, store: Store) -> Node | None:
    """The node that trained what ``node`` hands on; None as long as that is not known."""
    if node is None or node.stage != TUNE:
        return node
    summary = store.summary(node)
    return None if summary is None else node.inputs[f"train-{summary['chosen']}"][0]


def is_adapter(node: Node) -> bool:
    """Whether ``node`` hands on an adapter, which needs its base beside it, and not a whole model."""
    lora = first_trained(node).spec.get("lora")
    return lora is not None and not lora["merge"]


def first_trained(node: Node) -> Node:
    """Any of the trainings behind ``node``, for what they all have in common."""
    return node.inputs["train-0"][0] if node.stage == TUNE else node
