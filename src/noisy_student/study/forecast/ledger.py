"""The costs of all runs, each result counted once: in the run that used it first.

The store's roots list the results of a run, their manifests the seconds, the run's ``results.json`` the price. A run
that the store does not know, or with deleted results, counts with the total of its own ``results.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noisy_student.pipeline.garbage import Root
from noisy_student.pipeline.manifest import Stored
from noisy_student.study.results.costs import hold_times, total, usd


@dataclass(frozen=True, slots=True)
class RunCost:
    """The cost of one run, without results that an earlier run computed, and its forecast.

    ``seconds`` are those of its stages, several of which may have run at once; ``wall_seconds`` those of its calls,
    None for a run of a version that did not record them. ``usd`` is the price of the calls, else an estimate from
    seconds and workers; None without a price. ``cpu_seconds`` is None with results that did not record them.
    ``shared`` counts results that an earlier run computed; ``gone`` those that were deleted.
    """

    folder: str
    study: str | None
    scale: str | None
    started: float
    seconds: float | None
    wall_seconds: float | None
    cpu_seconds: float | None
    usd: float | None
    forecast_cpu_seconds: float | None
    forecast_usd: float | None
    shared: int
    gone: int


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run on disk: its folder, the time it was written, and its results, None if unreadable."""

    folder: Path
    written: float
    results: Mapping[str, Any] | None


def ledger(finished: Sequence[FinishedRun], roots: Sequence[Root], found: Mapping[str, Stored]) -> list[RunCost]:
    """Return a row a run, oldest first; ``found`` are the store's results by key."""
    by_name = {result.name: result for result in found.values()}
    by_digest = {root.digest: root for root in roots}
    dated = [(by_digest.get(str(run.results.get("digest"))), run) for run in finished if run.results]
    dated.sort(key=lambda pair: pair[1].written if pair[0] is None else pair[0].started)
    paid: set[str] = set()
    rows = []
    for root, run in dated:
        names = [] if root is None else list(root.nodes)
        mine = [name for name in names if name in by_name and name not in paid]
        paid |= set(mine)
        gone = sum(name not in by_name for name in names)
        row = _row(root, run, [by_name[name] for name in mine], (len(names) - gone - len(mine), gone))
        ends = [float(end) for name in names if name in by_name and (end := by_name[name].provenance.get("ended"))]
        if root is not None and root.calls:
            held = hold_times(root.calls, ends)
            row = replace(row, wall_seconds=total(one.seconds for one in held), usd=total(one.usd for one in held))
        rows.append(row)
    return rows


def _row(root: Root | None, run: FinishedRun, mine: Sequence[Stored], counts: tuple[int, int]) -> RunCost:
    results, seconds = run.results or {}, None
    if root is None or counts[1]:
        # With deleted results its own total is all there is.
        seconds = ((results.get("costs") or {}).get("totals") or {}).get("seconds")
        cpu = None
    else:
        seconds = sum(float(result.provenance.get("seconds") or 0.0) for result in mine)
        known = [result.provenance.get("cpu_seconds") for result in mine]
        cpu = None if None in known else sum(float(took) for took in known if took is not None)
    compute = (results.get("settings") or {}).get("compute") or {}
    forecast = results.get("forecast") or {}
    return RunCost(
        folder=str(run.folder),
        study=results.get("study"),
        scale=results.get("scale"),
        started=run.written if root is None else root.started,
        seconds=seconds,
        wall_seconds=None,
        cpu_seconds=cpu,
        usd=usd(None if seconds is None else seconds / (compute.get("workers") or 1), compute.get("usd_per_hour")),
        forecast_cpu_seconds=forecast.get("cpu_seconds"),
        forecast_usd=forecast.get("usd"),
        shared=counts[0],
        gone=counts[1],
    )
