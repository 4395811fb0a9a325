"""Rounds of self-training, written out: each chain in the table becomes its labels and conditions, round by round.

Round r votes with the student of round r - 1. It trains on the selected votes and on gold, from the base model or from
that student. Its student is compared with the one before on dev only; the last accepted student is tested on the test
questions, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from noisy_student.errors import UserError
from noisy_student.strict import Name, Strict, first_fault
from noisy_student.study.settings.methods import DEFAULT, METHODS

TABLE = "rounds"
MOST_ROUNDS = 9


class RoundsSettings(Strict):
    """One chain of rounds."""

    rounds: Annotated[int, Field(ge=1, le=MOST_ROUNDS)] = 3
    method: str = DEFAULT
    """A method that trains."""
    continued: bool = False
    """A round's student goes on from the one before; else each begins at the model."""
    teacher: Name | None = None
    """The condition that votes in the first round; None is the run's teacher."""
    baseline: Name = "baseline"
    """The condition that the first round is held against; the last of the chain where every round is rejected."""
    K: Annotated[int, Field(ge=2, le=256)] = 8
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.75
    error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of runs in which a chain may be ended by a student that is no worse than the one before."""
    passes: bool = False
    """Its last student answers test questions many times over, for pass@k."""

    @field_validator("method")
    @classmethod
    def _trains(cls, method: str) -> str:
        if METHODS.get(method).stage is None:
            raise ValueError("a chain trains in every round")
        return method


def written_out(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with every chain of ``rounds`` as conditions and labels; fields that are given stay."""
    rest = dict(fields)
    for name, chain in tables_in(rest.pop(TABLE, {}), TABLE, why="Each table is a chain of rounds.").items():
        labels, conditions = _chain(name, chain)
        rest |= {"labels": _under(rest.get("labels", {}), labels)}
        rest |= {"conditions": _under(rest.get("conditions", {}), conditions)}
    return rest


def tables_in(value: Any, name: str, *, why: str) -> Mapping[str, Mapping[str, Any]]:
    """Return ``value``; raises UserError unless it is a table of tables."""
    if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
        raise UserError(f'"{name}" is not a table of tables.', why=why, do=f"Write [{name}.NAME].", code="not-a-table")
    return value


def _under(given: Any, made: Mapping[str, Any]) -> Any:
    """Merge the fields of a chain below those that are ``given``, valid or not; rounds come last, in their order."""
    if not isinstance(given, Mapping):
        return given
    others = {name: fields for name, fields in given.items() if name not in made}
    own = {name: given.get(name, {}) for name in made}
    merged = {name: {**made[name], **item} if isinstance(item, Mapping) else item for name, item in own.items()}
    return {**others, **merged}


def _chain(name: str, fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The labels and conditions of a chain."""
    try:
        chain = RoundsSettings.model_validate(dict(fields))
    except ValidationError as error:
        raise first_fault(error, TABLE, name) from error
    labels: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    before = chain.baseline
    for number in range(1, chain.rounds + 1):
        this = f"{name}-{number}"
        teacher = chain.teacher if number == 1 else before
        labels[this] = {"K": chain.K} if teacher is None else {"K": chain.K, "teacher": teacher}
        conditions[this] = {
            "method": chain.method,
            "train": ["gold", f"labels.{this}"],
            "select": {"min_agreement": chain.min_agreement},
            "graded_on": "dev",
            "accept": {"against": before, **chain.model_dump(include={"rounds", "error", "K", "min_agreement"})},
        }
        if chain.continued and number > 1:
            conditions[this]["start"] = before
        before = this
    conditions[name] = {"method": "last", "last_of": [chain.baseline, *conditions], "passes": chain.passes}
    return labels, conditions
