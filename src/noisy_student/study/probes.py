"""Conditions that wait for one another: a probe is tried only where those before it did not hold their criteria."""

from __future__ import annotations

from collections.abc import Mapping

from noisy_student.errors import UserError
from noisy_student.study.conditions import ConditionSettings


def probes_before(name: str, conditions: Mapping[str, ConditionSettings]) -> tuple[str, ...]:
    """The probes that must have failed before a condition is tried, the first of them first; UserError for a circle."""
    found: list[str] = []
    before = conditions[name].after
    while before is not None:
        if before in found or before == name:
            circle = [name, *found, before]
            raise UserError(
                f"conditions.{before} comes after itself: {' after '.join(circle[circle.index(before) :])}.",
                why="None of them could be the first.",
                do="Leave after out of one of them.",
            )
        found.append(before)
        before = conditions[before].after
    return tuple(reversed(found))


def check_after(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError unless a condition comes after probes only, and is one that is trained by GRPO itself."""
    condition = conditions[name]
    if condition.after is None:
        return
    if condition.method != "grpo" or condition.rates:
        raise UserError(
            f"conditions.{name} comes after {condition.after}, and is no single training by grpo.",
            why="Only such a one waits for a probe.",
            do='Set method = "grpo" and no rates, or leave after out.',
        )
    for before in probes_before(name, conditions):
        if "probe" not in conditions[before].grpo:
            raise UserError(
                f"conditions.{name} comes after {before}, which is no probe.",
                why="It has no criteria that could fail.",
                do=f"Set conditions.{before}.grpo.probe = {{}}.",
            )
