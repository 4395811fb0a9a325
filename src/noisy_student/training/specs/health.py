"""When a training is looked at and what follows from what is found: settings only, no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from noisy_student.strict import Strict

FILE = "health.jsonl"
"""Where the looks are kept, among a training's curves."""


class HealthSpec(Strict):
    """The looks at a training; they change nothing of it unless they stop it."""

    on_unhealthy: Literal["warn", "stop"] = "warn"
    """Whether a diagnosis is said and stored, or also ends the training: its condition is then skipped."""
    first: int = Field(default=30, ge=1)
    """The step of the first look; 30 is where the plan checked its runs."""
    every: int = Field(default=30, ge=1)
    """Steps from one look to the next."""
    dev: int = Field(default=48, ge=0)
    """Dev questions that are answered before the first step and at every look of a run by GRPO, to see a collapse."""

    def due(self, step: int, *, last: int) -> bool:
        """Whether a look is due after ``step`` steps where the last one was after ``last``.

        >>> spec = HealthSpec(first=25, every=30)
        >>> [step for step in range(10, 100, 10) if spec.due(step, last=step - 10)]
        [30, 60, 90]
        """
        return self._looks(step) > self._looks(last)

    def _looks(self, step: int) -> int:
        return 0 if step < self.first else 1 + (step - self.first) // self.every
