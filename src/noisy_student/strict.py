"""What all settings have in common: they cannot change, take no unknown field, and name things in one way."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Frozen(BaseModel):
    """Settings that cannot change and take no unknown field."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
