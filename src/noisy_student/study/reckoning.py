"""What was forecast when a run began, kept in the store, and what it then took.

A run that is paused keeps the forecast of its first start; what it plans to compute besides, because a result has gone
since, is added. So the reckoning at the end is of promises made before anything was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.study.forecast import Expected, Totals
from noisy_student.study.node import Node
from noisy_student.study.settings import ComputeSettings
from noisy_student.study.store import Store

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
