"""The reward ``short``: the shorter half of a group's answers counts as right."""

from __future__ import annotations

from noisy_student.training.specs.rewards import REWARDS, AnswerGroup, RewardKind, RewardSpec


def short(group: AnswerGroup, spec: RewardSpec) -> list[bool]:
    """Count the shorter half of the texts, rounded down; of equal texts the first."""
    ranked = sorted(range(len(group.texts)), key=lambda row: len(group.texts[row]))
    paid = set(ranked[: len(ranked) // 2])
    return [row in paid for row in range(len(ranked))]


REWARDS.register("short", RewardKind(short))
