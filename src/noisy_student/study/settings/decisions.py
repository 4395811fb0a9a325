"""Decision tree of a study: rows of a condition and the study that comes next; the first that holds is taken.

A condition is ``FINDING is VERDICT``, ``METRIC < NUMBER``, ``METRIC > NUMBER`` or ``otherwise``, and nothing else.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from noisy_student.errors import UserError, nearest
from noisy_student.records import Verdict
from noisy_student.strict import Strict

OTHERWISE = "otherwise"
MEASURES = {
    "conditions": ("accuracy", "strict_accuracy", "sampled_accuracy", "stop_rate", "truncated", "label_accuracy"),
    "labels": ("accuracy", "precision", "coverage", "single_accuracy", "tie_rate", "abstained"),
}
"""Numbers of ``results.json`` that a row may ask for, by the table that holds them; over several seeds their mean."""
_IS = re.compile(r"(?P<finding>[a-z0-9._-]+) is (?P<verdict>[a-z-]+)")
_METRIC = re.compile(
    r"(?P<table>[a-z]+)\.(?P<name>[a-z0-9._-]+)\.(?P<measure>[a-z_]+) (?P<sign>[<>]) (?P<bound>\d+(\.\d+)?)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parsed condition of a row; ``sign`` is None for a verdict."""

    table: str
    name: str
    measure: str
    sign: Literal["<", ">"] | None
    bound: float | str


class Decision(Strict):
    """A row of the tree."""

    if_: str = Field(alias="if")
    """When it is taken."""
    then: str = Field(min_length=1)
    """The study that comes next, or what else to do."""
    because: str = ""
    """Why, in the words of whoever made the tree."""

    @property
    def asked(self) -> Asked | None:
        """The parsed condition; None for ``otherwise``. Raises UserError for any other form."""
        if self.if_ == OTHERWISE:
            return None
        if found := _IS.fullmatch(self.if_):
            if found["verdict"] not in get_args(Verdict):
                raise UserError(
                    f'decide asks for the unknown verdict "{found["verdict"]}" of {found["finding"]}.',
                    do=nearest(found["verdict"], get_args(Verdict)),
                    code="unknown-verdict",
                )
            return Asked("findings", found["finding"], "verdict", None, found["verdict"])
        if (found := _METRIC.fullmatch(self.if_)) is None:
            raise UserError(
                f'decide has the condition "{self.if_}".',
                why="A condition compares a verdict or a number, and nothing else.",
                do='Write "FINDING is helps", "labels.votes.accuracy < 0.5", "conditions.base.accuracy > 0.2" or '
                '"otherwise".',
                code="decision-unreadable",
            )
        sign: Any = found["sign"]
        return Asked(found["table"], found["name"], found["measure"], sign, float(found["bound"]))

    @model_validator(mode="after")
    def _readable(self) -> Self:
        asked = self.asked
        if asked is None or asked.sign is None:
            return self
        if asked.table not in MEASURES:
            raise UserError(
                f'decide asks for the unknown table "{asked.table}".',
                do=nearest(asked.table, MEASURES),
                code="unknown-table",
            )
        if asked.measure not in MEASURES[asked.table]:
            raise UserError(
                f'decide asks for the unknown number "{asked.measure}" of {asked.table}.{asked.name}.',
                do=nearest(asked.measure, MEASURES[asked.table]),
                code="unknown-measure",
            )
        return self


def check_names(tree: Sequence[Decision], known: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError for a row with an unknown name, and for rows that can never be reached.

    ``known`` holds the names of the study's primary comparisons, conditions and labels.
    """
    for place, row in enumerate(tree):
        asked = row.asked
        if asked is None:
            if place != len(tree) - 1:
                raise UserError(
                    f'decide has {len(tree) - 1 - place} rows after "otherwise".',
                    why="They could never be taken.",
                    do="Put it last.",
                    code="decision-unreachable",
                )
        elif asked.name not in known[asked.table]:
            raise UserError(
                f'decide asks for "{asked.name}", which is not among this study\'s {asked.table}.',
                do=nearest(asked.name, known[asked.table]),
                code="unknown-name",
            )


def decided(tree: Sequence[Decision], results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rows with their values and whether they hold, and the branch taken; None for a study without a tree.

    A row whose value is unknown ends the walk: the rows below it assume that it does not hold.
    """
    if not tree:
        return None
    rows: list[dict[str, Any]] = []
    taken: dict[str, Any] | None = None
    for row, value, holds in _walk(tree, results):
        rows.append({"if": row.if_, "then": row.then, "because": row.because, "value": value, "holds": holds})
        if holds is not False:
            taken = rows[-1] if holds else None
            break
    return {"rows": rows, "taken": taken["then"] if taken else None, "because": taken["because"] if taken else ""}


def _walk(
    tree: Sequence[Decision], results: Mapping[str, Any]
) -> Iterator[tuple[Decision, float | str | None, bool | None]]:
    for row in tree:
        asked = row.asked
        if asked is None:
            yield row, None, True
            continue
        value = _value(asked, results)
        if value is None:
            yield row, None, None
        elif isinstance(value, str) or isinstance(asked.bound, str):
            yield row, value, value == asked.bound
        else:
            yield row, value, value < asked.bound if asked.sign == "<" else value > asked.bound


def _value(asked: Asked, results: Mapping[str, Any]) -> float | str | None:
    found = [
        row.get(asked.measure) for row in results[asked.table] if row["name"] == asked.name and row.get("primary", True)
    ]
    if asked.sign is None:
        verdicts = [value for value in found if value is not None]
        return str(verdicts[0]) if verdicts else None
    return statistics.fmean(found) if found and all(value is not None for value in found) else None
