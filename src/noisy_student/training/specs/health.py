"""Settings of the health checks of a training. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from noisy_student.strict import Strict

FILE = "health.jsonl"
"""File of the checks, among a training's curves."""


class HealthSpec(Strict):
    """Settings of the health checks; a check changes nothing of a training unless it stops it."""

    on_unhealthy: Literal["warn", "stop"] = "warn"
    """Report and store a diagnosis, or also end the training and skip its condition."""
    first: int = Field(default=30, ge=1)
    """Step of the first check; 30 is where the plan checked its runs."""
    every: int = Field(default=30, ge=1)
    """Steps from one check to the next."""
    dev: int = Field(default=48, ge=0)
    """Dev questions answered before the first step and at every check of a GRPO training, to detect a collapse."""

    def due(self, step: int, *, last: int) -> bool:
        """Return whether a check is due after ``step`` steps where the last one was after ``last``.

        >>> spec = HealthSpec(first=25, every=30)
        >>> [step for step in range(10, 100, 10) if spec.due(step, last=step - 10)]
        [30, 60, 90]
        """
        return self._number(step) > self._number(last)

    def _number(self, step: int) -> int:
        """Checks that are due by ``step``."""
        return 0 if step < self.first else 1 + (step - self.first) // self.every
