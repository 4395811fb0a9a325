"""Forecast of a run before it starts: seconds, CPU seconds, tokens, arithmetic and money, by node.

Rates come from the store's own results, else from a timing of this machine. A node without a rate has None, and so has
every sum over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.pipeline.schedule import makespan
from noisy_student.study.forecast.history import Observation, observations, stored_results
from noisy_student.study.forecast.rates import Rates, Source
from noisy_student.study.forecast.timing import timings
from noisy_student.study.forecast.workload import Expectation
from noisy_student.study.results.costs import arithmetic_of, usd
from noisy_student.study.settings.methods import of_stage
from noisy_student.study.settings.study import ComputeSettings, Settings


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected cost of one node; ``source`` is the origin of its rate. All None without a rate."""

    node: Node
    seconds: float | None
    cpu_seconds: float | None
    tokens: int | None
    flops: int | None
    source: Source | None


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


def past(settings: Settings, root: Path) -> list[Observation]:
    """Return every timed step: the results under a store's ``root``, and its timing of this model."""
    return [*observations(stored_results(root)), *timings(settings, root)]


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
    tokens = sum_of_all(row.tokens for row in rows if _counts(row.node))
    flops = sum_of_all(row.flops for row in rows if _counts(row.node))
    return Totals(
        seconds=seconds,
        cpu_seconds=sum_of_all(row.cpu_seconds for row in rows),
        wall_seconds=wall,
        tokens=None if tokens is None else round(tokens),
        flops=None if flops is None else round(flops),
        usd=usd(wall, compute.usd_per_hour),
        without_estimate=sum(row.seconds is None for row in rows),
    )


def _expected(node: Node, expectation: Expectation, rates: Rates, *, imported: bool) -> Expected:
    summary = expectation.summary(node)
    wall, cpu = rates.rate(node, "seconds"), rates.rate(node, "cpu_seconds")
    if summary is None or wall is None:
        return Expected(node, None, None, None, None, None)
    counted = arithmetic_of(node, summary) if _counts(node) else {}
    return Expected(
        node=node,
        seconds=wall.of(node, summary, imported=imported),
        cpu_seconds=None if cpu is None else cpu.of(node, summary, imported=imported),
        tokens=_tokens(summary),
        flops=counted.get("flops"),
        source=wall.source,
    )


def _counts(node: Node) -> bool:
    """Return whether a node computes with a model, so that tokens are counted."""
    return node.stage == "sample" or of_stage(node.stage) is not None


def _tokens(summary: Mapping[str, Any]) -> int | None:
    """The tokens that a node samples or trains on."""
    found = summary.get("tokens", summary.get("trained_tokens"))
    return None if found is None else int(found)


def sum_of_all(values: Iterable[float | None]) -> float | None:
    """Return the sum; None where a value is unknown."""
    every = list(values)
    known = [value for value in every if value is not None]
    return sum(known) if len(known) == len(every) else None
