"""Probes: a few steps of GRPO that end as soon as they show that a setting works. No torch.

The criteria are the plan's, in its order: rewards differ within groups, the model moves away from its start, answers
end. The trainer's ``loss`` is not a criterion, since it says nothing of progress.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator

from noisy_student.strict import Strict
from noisy_student.training.measurements import slope

RECENT = 10
"""Steps whose facts are averaged."""
VISIBLE = 0.0005
"""Nats a token that a log of three digits shows as more than 0, as the plan read its own."""


class ProbeSpec(Strict):
    """Steps at which a probe is judged, and its thresholds."""

    first: int = Field(default=30, ge=2)
    """Step of the first judgement; the plan judged at 30."""
    every: int = Field(default=5, ge=1)
    """Steps from one judgement to the next."""
    slope_from: int = Field(default=10, ge=0)
    slope_to: int = Field(default=30, ge=1)
    """Optimiser steps between which the divergence must rise; later it may have settled at an anchor."""
    ended: float = Field(default=0.5, gt=0, le=1)
    """Share of the answers that must end by themselves."""
    readable: float = Field(default=0.9, gt=0, le=1)
    """Share of readable answers from which on they need not end."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.slope_from >= self.slope_to:
            raise ValueError("slope_from must come before slope_to")
        return self

    def due(self, step: int) -> bool:
        """Return whether a probe is judged after ``step`` steps."""
        return step >= self.first and (step - self.first) % self.every == 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion's measured value and whether it holds; ``waived`` is the reason where it holds regardless."""

    name: str
    value: float | None
    held: bool
    waived: str | None = None


def judge(spec: ProbeSpec, facts: Sequence[Mapping[str, Any]], kl: Sequence[tuple[int, float]]) -> list[Criterion]:
    """Judge the three criteria on the facts of all batches; ``kl`` has optimiser steps and divergences."""
    recent = facts[-RECENT:]
    spread = statistics.median_low(float(row["spread"]) for row in recent)
    rising = _rise(spec, kl)
    stopped = statistics.fmean(float(row["stopped"]) for row in recent)
    readable = statistics.fmean(float(row["readable"]) for row in recent)
    ended, readably = stopped >= spec.ended, readable >= spec.readable
    waived = f"{100 * readable:.0f} % can be read all the same" if readably and not ended else None
    return [
        Criterion("reward_std", spread, spread > 0),
        Criterion("kl slope", rising, bool(rising and rising > 0)),
        Criterion("answers end", stopped, ended or readably, waived),
    ]


def _rise(spec: ProbeSpec, kl: Sequence[tuple[int, float]]) -> float | None:
    """Nats a token and step, by least squares; 0 where the model has not visibly moved; None where unknown."""
    points = [(step, nats) for step, nats in sorted(kl) if spec.slope_from <= step <= spec.slope_to]
    return 0.0 if len(points) > 1 and points[-1][1] < VISIBLE else slope(points)
