"""What a unit of work takes on this machine, by stage and model: start-up, prompt tokens, sampled tokens, examples.

Observations come in. Each is a sum: what every step of its stage takes, what the first one in a process takes to
import its libraries, and so much for each unit of work. The parts come from all like observations at once.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from noisy_student.pipeline.node import declared_by
from noisy_student.statistics.nonnegative import unit_costs
from noisy_student.study.forecast.history import Observation, Step, lane
from noisy_student.study.forecast.workload import size_of

Clock = Literal["seconds", "cpu_seconds"]
Source = Literal["store", "calibration"]
ENOUGH = 6
"""So many results of a store are taken alone; fewer have a calibration's beside them, which are of other sizes."""
SIZES = 3
"""From so many different sizes on, the cost of a stage without a model may grow with its size."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The unit costs of one lane on one clock, and where they come from."""

    costs: tuple[float, ...]
    source: Source

    def of(self, step: Step, summary: Mapping[str, Any], *, imported: bool) -> float:
        """The seconds that a step of so much work takes."""
        return sum(cost * amount for cost, amount in zip(self.costs, work(step, summary, imported), strict=True))


class Rates:
    """The rate of every lane that was ever seen, each made when it is first asked for."""

    def __init__(self, past: Sequence[Observation]) -> None:
        self._by_lane: dict[str, list[Observation]] = {}
        self._made: dict[tuple[str, Clock], Rate | None] = {}
        for one in past:
            self._by_lane.setdefault(lane(one.step), []).append(one)
        self._light = [one for one in past if not _work_fields(one.step)]

    def rate(self, step: Step, clock: Clock) -> Rate | None:
        """The rate of a step's lane; None where nothing like it was ever done.

        A stage without a model that was never run counts as the others without one: all take tenths of a second.
        """
        name = lane(step)
        if (name, clock) not in self._made:
            past = self._by_lane.get(name, []) or ([] if _work_fields(step) else self._light)
            self._made[name, clock] = _rate(past, clock)
        return self._made[name, clock]


def work(step: Step, summary: Mapping[str, Any], imported: bool) -> list[float]:
    """The columns of the sum, in the order of the unit costs."""
    names = _work_fields(step)
    amounts = [float(summary[name]) for name in names] if names else [float(size_of(step))]
    return [1.0, float(not imported), *amounts]


def _work_fields(step: Step) -> tuple[str, ...]:
    """Return the summary fields that a step's seconds grow with; empty for a stage without a model."""
    return declared_by(step.stage).work


def _rate(past: Sequence[Observation], clock: Clock) -> Rate | None:
    timed = [(one, took) for one in past if (took := getattr(one, clock)) is not None and took > 0]
    timed = [(one, took) for one, took in timed if set(_work_fields(one.step)) <= one.summary.keys()]
    # A store may have come from another machine, whose seconds are others; what was made here counts alone.
    here = [(one, took) for one, took in timed if one.host == socket.gethostname()]
    timed = here or timed
    real = [(one, took) for one, took in timed if not one.rehearsed]
    used = real if len(real) >= ENOUGH else timed
    if not used:
        return None
    table = [work(one.step, one.summary, one.imported) for one, _ in used]
    if not _work_fields(used[0][0].step) and len({row[-1] for row in table}) < SIZES:
        # A tenth of a second of noise on two small files would be told as minutes for a large one.
        table = [[*row[:-1], 0.0] for row in table]
    return Rate(unit_costs(table, [took for _, took in used]), "store" if real else "calibration")
