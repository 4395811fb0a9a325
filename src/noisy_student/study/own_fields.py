"""Settings of a trainer that one condition has otherwise than the run, such as ``grpo = { refill = 2 }``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from noisy_student.errors import UserError, nearest

Spec = TypeVar("Spec", bound=BaseModel)


def with_own(run: Spec, own: Mapping[str, Any], where: str) -> Spec:
    """The run's settings with the condition's own, which messages call ``where``.

    Raises UserError for what is no field of them, or no value of it.
    """
    if not own:
        return run
    fields = type(run).model_fields
    for field in own:
        if field not in fields:
            raise UserError(f'There is no field "{where}.{field}".', do=nearest(field, fields))
    try:
        return type(run).model_validate({**run.model_dump(), **own})
    except ValidationError as error:
        fault = error.errors()[0]
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, UserError):
            raise cause from error
        place = ".".join([where, *map(str, fault["loc"])])
        raise UserError(f"{place} is {fault['input']!r}: {fault['msg']}.") from error
