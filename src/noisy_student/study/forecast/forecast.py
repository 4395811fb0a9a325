"""Forecast of a run before it starts: seconds, CPU seconds, tokens, arithmetic and money, by node.

Rates come from the store's own results, else from a timing of this machine. The seconds of a step are a sum: a start-up
cost of its stage, the imports of the first step in a process, and a cost for each unit of work. These unit costs are
fitted to all comparable observations at once. A node without a rate has None, and so has every sum over it.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from noisy_student.pipeline.node import Node
from noisy_student.pipeline.schedule import makespan
from noisy_student.statistics.nonnegative import unit_costs
from noisy_student.study.forecast.history import Observation, Step, computes, lane
from noisy_student.study.forecast.workload import Expectation, size_of
from noisy_student.study.results.costs import arithmetic_of, usd
from noisy_student.study.settings.methods import of_stage
from noisy_student.study.settings.study import ComputeSettings

Clock = Literal["seconds", "cpu_seconds"]
Source = Literal["store", "timing"]
Number = TypeVar("Number", int, float)
ENOUGH = 6
"""Results of a store that are enough alone; fewer are joined by those of a timing, which have other sizes."""
SIZES = 3
"""Different sizes from which on the cost of a stage without a model may grow with its size."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected cost of one node; ``source`` is the origin of its rate. All None without a rate."""

    node: Node
    seconds: float | None = None
    cpu_seconds: float | None = None
    tokens: int | None = None
    flops: int | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the nodes that are to run; ``without_estimate`` counts those without a rate."""

    seconds: float | None
    cpu_seconds: float | None
    wall_seconds: float | None
    tokens: int | None
    flops: int | None
    usd: float | None
    without_estimate: int


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


def forecast(nodes: Sequence[Node], known: Sequence[Observation], compute: ComputeSettings) -> list[Expected]:
    """Return a row a node that is to run, in their order, which must be inputs first.

    In each of ``compute.workers`` processes the first step of a stage imports its libraries.
    """
    expectation, rates = Expectation(known), Rates(known)
    begun: Counter[str] = Counter()
    rows = []
    for node in nodes:
        begun[node.stage] += 1
        rows.append(_expected(node, expectation, rates, imported=begun[node.stage] > compute.workers))
    return rows


def totals(rows: Sequence[Expected], compute: ComputeSettings) -> Totals:
    """Return the sums, and the seconds until the last of the nodes ends."""
    seconds = sum_of_all(row.seconds for row in rows)
    wall = None
    if seconds is not None:
        by_key = {row.node.key: row.seconds for row in rows if row.seconds is not None}
        wall = makespan([row.node for row in rows], by_key, workers=compute.workers)
    models = [row for row in rows if computes(row.node)]
    return Totals(
        seconds=seconds,
        cpu_seconds=sum_of_all(row.cpu_seconds for row in rows),
        wall_seconds=wall,
        tokens=sum_of_all(row.tokens for row in models),
        flops=sum_of_all(row.flops for row in models),
        usd=usd(wall, compute.usd_per_hour),
        without_estimate=sum(row.seconds is None for row in rows),
    )


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


LEAST_SECONDS = 1e-6
"""No stage takes less; a smaller number in a file is no time that was measured."""


def _rate(past: Sequence[Observation], clock: Clock) -> Rate | None:
    every = [(one, took) for one in past if (took := getattr(one, clock)) is not None and took >= LEAST_SECONDS]
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


def _expected(node: Node, expectation: Expectation, rates: Rates, *, imported: bool) -> Expected:
    summary = expectation.summary(node)
    wall, cpu = rates.rate(node, "seconds"), rates.rate(node, "cpu_seconds")
    if summary is None or wall is None:
        return Expected(node)
    counted = arithmetic_of(node, summary) if computes(node) else {}
    return Expected(
        node=node,
        seconds=wall.of(node, summary, imported=imported),
        cpu_seconds=None if cpu is None else cpu.of(node, summary, imported=imported),
        tokens=summary.get("tokens", summary.get("trained_tokens")),
        flops=counted.get("flops"),
        source=wall.source,
    )


def sum_of_all(values: Iterable[Number | None]) -> Number | None:
    """Return the sum; None where a value is unknown."""
    every = list(values)
    known = [value for value in every if value is not None]
    return sum(known) if len(known) == len(every) else None
