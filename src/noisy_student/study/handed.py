"""A student that is handed on: by the choice of a learning rate, by a gate, or as the last one of a chain of rounds."""

from __future__ import annotations

from noisy_student.study.node import Node
from noisy_student.study.store import Store

TUNE, ACCEPT, LAST = "tune", "accept", "last"
ROLES = {TUNE: "train-", ACCEPT: "train", LAST: "train-"}
"""Stages that hand on what another one trained, and the roles in which they find it."""


def trained_by(node: Node | None, store: Store) -> Node | None:
    """The node that trained what ``node`` hands on; None as long as that is not known."""
    while node is not None and node.stage in ROLES:
        role = ROLES[node.stage]
        if role.endswith("-"):
            summary = store.summary(node)
            if summary is None:
                return None
            role += str(summary["chosen"])
        node = node.inputs[role][0]
    return node


def first_trained(node: Node) -> Node:
    """Any of the trainings behind ``node``, for what they all have in common."""
    while node.stage in ROLES:
        role = ROLES[node.stage]
        node = node.inputs[f"{role}0" if role.endswith("-") else role][0]
    return node


def is_adapter(node: Node) -> bool:
    """Whether ``node`` hands on an adapter, which needs its base beside it, and not a whole model."""
    lora = first_trained(node).spec.get("lora")
    return lora is not None and not lora["merge"]
