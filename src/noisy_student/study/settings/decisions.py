"""Decision tree of a study: rows of a condition and the study that comes next; the first that holds is taken.

A condition is ``FINDING is VERDICT``, ``METRIC < NUMBER``, ``METRIC > NUMBER`` or ``otherwise``, and nothing else.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from noisy_student.errors import UserError, require_known
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
    """The condition under which it is taken."""
    then: str = Field(min_length=1)
    """The study that comes next, or what else to do."""
    because: str = ""
    """The reason, in the words of the tree's author."""

    @property
    def asked(self) -> Asked | None:
        """The parsed condition; None for ``otherwise``. Raises UserError for any other form."""
        if self.if_ == OTHERWISE:
            return None
        if found := _IS.fullmatch(self.if_):
            what = f'decide asks for the unknown verdict "{found["verdict"]}" of {found["finding"]}.'
            require_known(found["verdict"], get_args(Verdict), what, code="unknown-verdict")
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
        if asked is not None and asked.sign is not None:
            what = f'decide asks for the unknown table "{asked.table}".'
            require_known(asked.table, MEASURES, what, code="unknown-table")
            what = f'decide asks for the unknown number "{asked.measure}" of {asked.table}.{asked.name}.'
            require_known(asked.measure, MEASURES[asked.table], what, code="unknown-measure")
        return self


def check_names(tree: Sequence[Decision], known: Mapping[str, Iterable[str]]) -> None:
    """Raise UserError for a row with an unknown name, and for rows that can never be reached.

    ``known`` holds the names of the study's primary comparisons, conditions and labels.
    """
    for place, row in enumerate(tree):
        asked = row.asked
        if asked is None:
            if place != len(tree) - 1:
                what = f'decide has {len(tree) - 1 - place} rows after "otherwise".'
                raise UserError(what, why="They could never be taken.", do="Put it last.", code="decision-unreachable")
        else:
            what = f'decide asks for "{asked.name}", which is not among this study\'s {asked.table}.'
            require_known(asked.name, known[asked.table], what, code="unknown-name")


def decided(tree: Sequence[Decision], results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rows with their values and whether they hold, and the branch taken; None for a study without a tree.

    A row whose value is unknown ends the walk: the rows below it assume that it does not hold.
    """
    if not tree:
        return None
    rows: list[dict[str, Any]] = []
    taken: dict[str, Any] | None = None
    for row in tree:
        value, holds = (None, True) if row.asked is None else _answer(row.asked, results)
        rows.append({"if": row.if_, "then": row.then, "because": row.because, "value": value, "holds": holds})
        if holds is not False:
            taken = rows[-1] if holds else None
            break
    return {"rows": rows, "taken": taken["then"] if taken else None, "because": taken["because"] if taken else ""}


def _answer(asked: Asked, results: Mapping[str, Any]) -> tuple[float | str | None, bool | None]:
    """The value that a row asks for and whether its condition holds; None where unknown."""
    rows = [row for row in results[asked.table] if row["name"] == asked.name and row.get("primary", True)]
    found = [row.get(asked.measure) for row in rows]
    if asked.sign is None:
        verdict = next((str(value) for value in found if value is not None), None)
        return verdict, None if verdict is None else verdict == asked.bound
    if not found or None in found:
        return None, None
    mean, bound = statistics.fmean(found), float(asked.bound)
    return mean, mean < bound if asked.sign == "<" else mean > bound
