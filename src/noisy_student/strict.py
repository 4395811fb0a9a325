"""Base of all settings: values that cannot change, without coercion of types and without unknown fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Strict(BaseModel):
    """A frozen model that converts no types and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
