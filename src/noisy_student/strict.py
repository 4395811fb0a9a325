"""Base of all settings: values that cannot change, without coercion of types and without unknown fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from noisy_student.errors import UserError, nearest
from noisy_student.redaction import redact

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
LONGEST_VALUE = 200
"""Characters of a faulty value that a message shows."""
Values = TypeVar("Values", bound=tuple[object, ...])


def _distinct(values: Values) -> Values:
    if len(set(values)) != len(values):
        raise ValueError("it has duplicates")
    return values


Distinct = Annotated[Values, AfterValidator(_distinct)]
"""A tuple without duplicates."""


class Strict(BaseModel):
    """A frozen model that refuses unknown fields and converts nothing but the lists of TOML to tuples."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _from_toml(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if unknown := [name for name in value if name not in cls.field_names()]:
            raise PydanticCustomError("unknown-field", "there is no such field", {"table": cls, "field": unknown[0]})
        return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}

    @classmethod
    def field_names(cls) -> list[str]:
        """Return the fields as settings files spell them."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def first_fault(
    error: ValidationError, *above: str, hint: Callable[[type[Strict], str], str] = lambda table, field: ""
) -> UserError:
    """Return the first fault of settings as a message; ``above`` are the tables that hold them.

    ``hint`` gives the advice for an unknown field of a table, in place of the nearest known one where it is not empty.
    """
    # A misspelt field may also be a missing one: its own message comes first.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "unknown-field")
    where = ".".join(map(str, (*above, *fault["loc"])))
    if fault["type"] == "unknown-field":
        table, field = fault["ctx"]["table"], fault["ctx"]["field"]
        return UserError(
            f'There is no field "{where}{"." if where else ""}{field}".',
            why="A field that does nothing would mislead.",
            do=hint(table, field) or nearest(field, table.field_names()),
            code="unknown-field",
        )
    if fault["type"] == "missing":
        return UserError(
            f'The field "{where}" is missing.', do="Set it in the study file, or by --set.", code="field-missing"
        )
    value = list(fault["input"]) if isinstance(fault["input"], tuple) else fault["input"]
    # Secrets first: half of one would not be recognised.
    shown = redact(repr(value))
    shown = shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}…"
    return UserError(
        f'"{where}" is {shown}: {fault["msg"].removeprefix("Value error, ")}.',
        do=f"Set it with --set {where}=VALUE.",
        code="field-invalid",
    )
