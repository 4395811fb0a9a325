"""Unit costs of work on this machine, by stage and model: start-up, imports, and seconds a token or question.

The seconds of a step are a sum: a start-up cost of its stage, the imports of the first step in a process, and a cost
for each unit of work. The unit costs are fitted to all comparable observations at once.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from noisy_student.statistics.nonnegative import unit_costs
from noisy_student.study.forecast.history import Observation, Step, lane
from noisy_student.study.forecast.workload import size_of
from noisy_student.study.settings.methods import of_stage

Clock = Literal["seconds", "cpu_seconds"]
Source = Literal["store", "timing"]
ENOUGH = 6
"""Results of a store that are enough alone; fewer are joined by those of a timing, which have other sizes."""
SIZES = 3
"""Different sizes from which on the cost of a stage without a model may grow with its size."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The unit costs of one lane on one clock, and their origin."""

    costs: tuple[float, ...]
    source: Source

    def of(self, step: Step, summary: Mapping[str, Any], *, imported: bool) -> float:
        """Return the seconds of a step with this summary."""
        return sum(cost * amount for cost, amount in zip(self.costs, work(step, summary, imported), strict=True))


class Rates:
    """The rates of all observed lanes, each fitted on first use."""

    def __init__(self, past: Sequence[Observation]) -> None:
        self._by_lane: dict[str, list[Observation]] = {}
        self._made: dict[tuple[str, Clock], Rate | None] = {}
        for one in past:
            self._by_lane.setdefault(lane(one.step), []).append(one)
        self._light = [one for one in past if timed(one.step.stage) is None]

    def rate(self, step: Step, clock: Clock) -> Rate | None:
        """Return the rate of a step's lane; None without a comparable observation.

        A stage without a model that was never run has the rate of the others without one: tenths of a second.
        """
        name = lane(step)
        if (name, clock) not in self._made:
            past = self._by_lane.get(name, []) or (self._light if timed(step.stage) is None else [])
            self._made[name, clock] = _rate(past, clock)
        return self._made[name, clock]


def timed(stage: str) -> tuple[str, ...] | None:
    """Return the summary fields that the cost of a stage grows with; None where it grows with questions or samples."""
    if stage == "sample":
        return "prompt_tokens", "tokens"
    method = of_stage(stage)
    return None if method is None or method[1].work is None else method[1].work.timed


def work(step: Step, summary: Mapping[str, Any], imported: bool) -> list[float]:
    """Return the amounts of work, in the order of the unit costs."""
    names = timed(step.stage)
    amounts = [float(size_of(step))] if names is None else [float(summary[name]) for name in names]
    return [1.0, float(not imported), *amounts]


def _rate(past: Sequence[Observation], clock: Clock) -> Rate | None:
    every = [(one, took) for one in past if (took := getattr(one, clock)) is not None and took > 0]
    every = [(one, took) for one, took in every if set(timed(one.step.stage) or ()) <= one.summary.keys()]
    # A store may have come from another machine with other rates, so results of this host are preferred.
    here = [(one, took) for one, took in every if one.host == socket.gethostname()]
    every = here or every
    real = [(one, took) for one, took in every if not one.from_timing]
    used = real if len(real) >= ENOUGH else every
    if not used:
        return None
    table = [work(one.step, one.summary, one.imported) for one, _ in used]
    if timed(used[0][0].step.stage) is None and len({row[-1] for row in table}) < SIZES:
        # A tenth of a second of noise on two small files would become minutes for a large one.
        table = [[*row[:-1], 0.0] for row in table]
    return Rate(unit_costs(table, [took for _, took in used]), "store" if real else "timing")
