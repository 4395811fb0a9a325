"""Conditions that hang on one another's students: rounds that go on, gates between them, the last of a chain."""

from __future__ import annotations

from collections.abc import Mapping

from noisy_student.errors import UserError, nearest
from noisy_student.study.conditions import ConditionSettings


def check_chain(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError for names that are none, and for students that cannot be gone on from or held against others."""
    condition = conditions[name]
    against = () if condition.accept is None else (condition.accept.against,)
    started = () if condition.start is None else (condition.start,)
    for other in (*started, *against, *condition.last_of):
        if other not in conditions:
            raise UserError(
                f'conditions.{name} names "{other}", which this study does not have.', do=nearest(other, conditions)
            )
        if conditions[other].model != condition.model:
            raise UserError(
                f"conditions.{name} and {other} start from different models.",
                why="A student goes on from one of its own kind, is held against one, and is asked like one.",
                do="Give both the same model.",
            )
    for other in (*started, *condition.last_of):
        _require_students(name, other, conditions)
    _require_end(name, conditions)
    if condition.start is not None and not condition.train:
        raise UserError(
            f"conditions.{name} trains nothing and has start.",
            why="It would change nothing.",
            do="Leave start out.",
        )
    if condition.accept is not None and not condition.train:
        raise UserError(
            f"conditions.{name} trains nothing and has accept.",
            why="There is no student to turn down.",
            do="Leave accept out.",
        )
    if condition.last_of and conditions[condition.last_of[0]].accept is not None:
        raise UserError(
            f"The first of conditions.{name}.last_of, {condition.last_of[0]}, may be turned down.",
            why="Then there might be no last one.",
            do="Begin with a condition that has no accept.",
        )


def _require_end(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError where a condition is held against one that is held against it."""
    passed = [name]
    while (accept := conditions[passed[-1]].accept) is not None and accept.against in conditions:
        if accept.against in passed:
            raise UserError(
                f"The conditions are held against one another in a circle: {' → '.join([*passed, accept.against])}.",
                why="Each is held against the one before it, and no round is the first of these.",
                do="Hold one of them against a condition that has no accept.",
            )
        passed.append(accept.against)


def _require_students(name: str, other: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError unless both hand on whole models."""
    for one in (conditions[name], conditions[other]):
        if one.lora is not None and not one.lora.merge:
            raise UserError(
                f"conditions.{name} goes on from {other}, and one of them is an adapter.",
                why="Only whole models are gone on from.",
                do="Set lora.merge = true.",
            )
    if conditions[other].method == "none":
        raise UserError(
            f"conditions.{name} goes on from {other}, which trains nothing.",
            why="That is the model that every student starts from.",
            do="Leave start out, or name a condition that trains.",
        )
