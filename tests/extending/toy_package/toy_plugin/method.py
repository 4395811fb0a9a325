"""The training method ``shortest``: fine-tuning on the shortest of a condition's worked texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from noisy_student.study.settings.conditions import TextCondition
from noisy_student.study.settings.methods import METHODS, Method, Work
from noisy_student.training.specs.sft import SftSpec


class ShortestSpec(SftSpec):
    """Settings of fine-tuning, and the share of the texts that it keeps."""

    keep: float = Field(default=0.5, gt=0, le=1)
    """Share of the texts that are learned from, the shortest first."""

    def kept(self, examples: float) -> int:
        """Return how many of so many texts are learned from."""
        return max(1, math.floor(examples * self.keep))


class ShortestCondition(TextCondition):
    """A student of the shortest texts."""

    method: Literal["shortest"] = "shortest"
    shortest: Mapping[str, Any] = Field(default_factory=dict)
    """Settings that differ from the defaults, such as ``keep = 0.25``."""


def _steps(spec: Mapping[str, Any], examples: float | None) -> int | None:
    if spec["steps"] or examples is None:
        return spec["steps"]
    return math.ceil(ShortestSpec.model_validate(spec).kept(examples) * spec["epochs"] / spec["batch"])


def _visits(spec: Mapping[str, Any], steps: int, examples: float) -> float:
    return float(steps * spec["batch"])


METHODS.register(
    "shortest",
    Method(
        ShortestCondition,
        stage="train-shortest",
        spec=ShortestSpec,
        work=Work(("read_tokens", "trained_tokens"), ("read_tokens",), steps=_steps, visits=_visits),
    ),
)
