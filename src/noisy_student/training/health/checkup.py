"""The looks at one training: what is measured at each, what is found, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable
from noisy_student.training.curves import Point
from noisy_student.training.groups import Group
from noisy_student.training.health.rules import STOPPING, diagnose
from noisy_student.training.health.weights import Weights
from noisy_student.training.health.window import Setup, Window, first_seen
from noisy_student.training.specs.health import FILE, HealthSpec

NEAR_ZERO = 0.01


def misleading(window: Window) -> Iterator[str]:
    """A sentence for each of a trainer's own numbers that says something else than it seems to, as of now."""
    if window.setup.grpo is None or not window.points or not window.facts:
        return
    point, fact = window.points[-1], window.facts[-1]
    if not fact["spread"]:
        yield f"At step {window.step} no group had different rewards: that its loss is 0 means that it taught nothing."
    elif abs(point.loss) < NEAR_ZERO:
        norm = "" if point.grad_norm is None else f"; the gradient's norm is {point.grad_norm:.2g}"
        yield f"loss {point.loss:.4f} is near 0 by construction: advantages of a group add up to 0{norm}."
    if point.reward_std:
        yield (
            f"reward_std {point.reward_std:.2f} is that of the whole batch; within groups, which is what teaches, "
            f"it is {fact['spread']:.2f}."
        )
    if point.kl is None and window.drift:
        step, nats = window.drift[-1]
        yield f"kl is not logged at beta 0; measured at step {step} it is {nats:.2g} nats a token."
    if point.mean_terminated_length == 0:
        yield "mean_terminated_length 0 means that no answer ended, not that answers are empty."


@dataclass(frozen=True, slots=True)
class Seen:
    """What a trainer has to show: all so far, in order."""

    step: int
    points: Sequence[Point]
    facts: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Group] = ()


class Checkup:
    """Made before the first step and asked after every one; ``rows`` are the looks so far, as they are stored.

    A row has ``step``, the share of weights that ``moved``, their ``change``, what ``measure`` found (one truth value
    a dev question, or the loss on own examples), ``diagnoses``, and ``misleading`` sentences. The row of step 0 holds
    only what later ones are set against.
    """

    def __init__(
        self, spec: HealthSpec, setup: Setup, model: nn.Module, *, measure: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """``model`` must still be the start model; ``measure`` is asked before the first step and at every look."""
        self.spec, self.setup = spec, setup
        self.rows: list[dict[str, Any]] = []
        self._model, self._measure = model, measure
        self._weights = Weights(model)

    def begin(self, steps: int) -> None:
        """Measure what the start model can do, unless no look comes within ``steps`` or a pause lies behind."""
        if self.spec.due(steps, last=0) and not self.rows and self._measure is not None:
            self.rows.append({"step": 0, **self._measure(), "diagnoses": [], "misleading": []})

    @property
    def found(self) -> tuple[dict[str, Any], ...]:
        """Every condition that was found, once, with the step at which it was first seen."""
        return tuple(first_seen(self.rows))

    def look(self, seen: Seen, context: Context) -> None:
        """Look if it is time and has not been done; raises NotTrainable for a diagnosis that is to stop the training.

        What was found is written to ``context.curves`` and said by ``context.notice``.
        """
        if not self.spec.due(seen.step, last=self.rows[-1]["step"] if self.rows else 0):
            return
        measured: dict[str, Any] = {"step": seen.step, **self._weights.moved(self._model)}
        if self._measure is not None:
            measured |= self._measure()
        window = Window(self.setup, seen.step, seen.points, seen.facts, seen.groups, [*self.rows, measured])
        measured["entropy_slope"] = window.entropy_slope
        found = diagnose(window)
        row = {"diagnoses": [diagnosis.row for diagnosis in found], "misleading": list(misleading(window))}
        self.rows.append({**measured, **row})
        files.write_jsonl(context.curves / FILE, self.rows)
        for diagnosis in found:
            context.notice(
                f"step {seen.step}: {diagnosis.name}: {diagnosis.evidence} {diagnosis.cause} Do: {diagnosis.remedy}"
            )
        worst = next((diagnosis for diagnosis in found if diagnosis.name in STOPPING), None)
        if worst is not None and self.spec.on_unhealthy == "stop":
            raise NotTrainable(f"{worst.name} at step {seen.step}. {worst.evidence}", why=worst.cause, do=worst.remedy)
