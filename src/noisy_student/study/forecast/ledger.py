"""What all runs have cost, each result counted once: by the run that was the first to stand on it.

The store's roots say which results a run stands on, their manifests what these took, the run's ``results.json`` at what
price. A run that the store does not know, or whose results are gone, counts as it counted itself when it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.pipeline.garbage import Root
from noisy_student.pipeline.manifest import Stored
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.study.forecast.forecast import Expected, Totals
from noisy_student.study.settings.study import ComputeSettings


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


_FOLDER = "forecasts"


def keep(store: Path, digest: str, rows: Sequence[Expected], summed: Totals) -> None:
    """Write down the forecast of a run that is about to begin; a store that cannot be written is left to the stages."""
    promised = _read(store, digest)
    nodes = {
        row.node.key: {"seconds": row.seconds, "cpu_seconds": row.cpu_seconds, "source": row.source} for row in rows
    }
    path = _path(store, digest)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        wall = promised["wall_seconds"] if promised else summed.wall_seconds
        files.write_json(
            path, {"schema": 1, "wall_seconds": wall, "nodes": {**nodes, **(promised["nodes"] if promised else {})}}
        )


def reckon(store: Store, digest: str, nodes: Iterable[Node], compute: ComputeSettings) -> dict[str, Any] | None:
    """Forecast and actual CPU seconds by stage and in all, of nodes that have both; None where nothing was forecast.

    ``ratio`` is actual by forecast. ``without_estimate`` counts nodes that were computed and could not be forecast.
    ``usd`` is of the whole forecast, None where a part of it is unknown.
    """
    promised = _read(store.root, digest)
    if promised is None:
        return None
    stages: dict[str, dict[str, Any]] = {}
    unknown = 0
    for node in nodes:
        said, manifest = promised["nodes"].get(node.key), store.manifest(node)
        if said is None or manifest is None or manifest.outcome != "done":
            continue
        took = manifest.provenance.get("cpu_seconds")
        if said["cpu_seconds"] is None or took is None:
            unknown += 1
            continue
        row = stages.setdefault(
            node.stage,
            {"stage": node.stage, "nodes": 0, "source": said["source"], "cpu_seconds": 0.0, "actual_cpu_seconds": 0.0},
        )
        row["nodes"] += 1
        row["cpu_seconds"] += said["cpu_seconds"]
        row["actual_cpu_seconds"] += took
    rows = [_rounded(row) for row in stages.values()]
    names = ("cpu_seconds", "actual_cpu_seconds")
    # Of no step that had a forecast nothing is known, which is not 0.
    sums = (
        _rounded({name: sum(row[name] for row in stages.values()) for name in names})
        if stages
        else {**dict.fromkeys(names), "ratio": None}
    )
    wall = promised["wall_seconds"]
    price = None if wall is None or compute.usd_per_hour is None else wall / 3600 * compute.usd_per_hour
    return {**sums, "without_estimate": unknown, "wall_seconds": wall, "usd": price, "stages": rows}


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    said, took = row["cpu_seconds"], row["actual_cpu_seconds"]
    ratio = round(took / said, 3) if said else None
    return {**row, "cpu_seconds": round(said, 2), "actual_cpu_seconds": round(took, 2), "ratio": ratio}


def _read(store: Path, digest: str) -> dict[str, Any] | None:
    """What was kept of this run; None for nothing, and for what somebody has damaged: it is told, never relied on."""
    with suppress(OSError, UserError, ValueError):
        found = files.read_json(_path(store, digest))
        if isinstance(found, dict) and isinstance(found.get("nodes"), dict) and "wall_seconds" in found:
            return found
    return None


def _path(store: Path, digest: str) -> Path:
    return store / _FOLDER / f"{digest[:16]}.json"
