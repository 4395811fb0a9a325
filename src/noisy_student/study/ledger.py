"""What all runs have cost, each result counted once: by the run that was the first to stand on it.

The store's roots say which results a run stands on, their manifests what these took, the run's ``results.json`` at what
price. A run that the store does not know, or whose results are gone, counts as it counted itself when it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.study.roots import Root
from noisy_student.study.stored import Stored


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: what was computed for it and by no run before, and what had been forecast.

    ``usd`` is None without a price. ``cpu_seconds`` is None where results are of a version that did not count them.
    ``shared`` counts results that an earlier run has paid; ``gone`` those that the store lacks.
    """

    folder: str
    study: str | None
    scale: str | None
    started: float
    seconds: float | None
    cpu_seconds: float | None
    usd: float | None
    forecast_cpu_seconds: float | None
    forecast_usd: float | None
    shared: int
    gone: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was written: its folder, when, and its results."""

    folder: Path
    written: float
    results: Mapping[str, Any]


def ledger(finished: Sequence[Finished], roots: Sequence[Root], found: Mapping[str, Stored]) -> list[Entry]:
    """An entry a run, oldest first; ``found`` are the store's results by key."""
    by_name = {result.name: result for result in found.values()}
    by_digest = {root.digest: root for root in roots}
    dated = [(by_digest.get(str(run.results.get("digest"))), run) for run in finished]
    dated.sort(key=lambda pair: pair[1].written if pair[0] is None else pair[0].started)
    paid: set[str] = set()
    entries = []
    for root, run in dated:
        names = [] if root is None else list(root.nodes)
        mine = [name for name in names if name in by_name and name not in paid]
        paid |= set(mine)
        gone = sum(name not in by_name for name in names)
        entries.append(_entry(root, run, [by_name[name] for name in mine], (len(names) - gone - len(mine), gone)))
    return entries


def _entry(root: Root | None, run: Finished, mine: Sequence[Stored], counts: tuple[int, int]) -> Entry:
    results = run.results
    seconds: float | None
    if root is None or counts[1]:
        # What it stood on is not here any more, so its own account is all there is.
        seconds = ((results.get("costs") or {}).get("totals") or {}).get("seconds")
        cpu = None
    else:
        seconds = sum(float(result.provenance.get("seconds", 0.0)) for result in mine)
        known = [result.provenance.get("cpu_seconds") for result in mine]
        cpu = None if None in known else sum(float(took) for took in known if took is not None)
    compute = (results.get("settings") or {}).get("compute") or {}
    forecast = results.get("forecast") or {}
    return Entry(
        folder=str(run.folder),
        study=results.get("study"),
        scale=results.get("scale"),
        started=run.written if root is None else root.started,
        seconds=seconds,
        cpu_seconds=cpu,
        usd=_usd(seconds, compute),
        forecast_cpu_seconds=forecast.get("cpu_seconds"),
        forecast_usd=forecast.get("usd"),
        shared=counts[0],
        gone=counts[1],
    )


def _usd(seconds: float | None, compute: Mapping[str, Any]) -> float | None:
    price = compute.get("usd_per_hour")
    return None if price is None or seconds is None else seconds / compute["workers"] / 3600 * price
