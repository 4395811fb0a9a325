"""The forecast of a run, kept when it starts, and its comparison with the actual CPU seconds when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from noisy_student import documents, files
from noisy_student.documents import Document, Time, shape
from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node
from noisy_student.study.forecast.forecast import Expected, Totals
from noisy_student.study.results.costs import usd
from noisy_student.study.results.view import StoreView
from noisy_student.study.settings.study import ComputeSettings

FOLDER = "forecasts"
SUMMED = ("cpu_seconds", "actual_cpu_seconds")
_Node = shape(Document, {"seconds": Time | None, "cpu_seconds": Time | None, "source": str | None})
_Kept = shape(Document, {"wall_seconds": Time | None, "nodes": dict[str, _Node]})  # type: ignore[valid-type]


def keep_forecast(root: Path, digest: str, rows: Sequence[Expected], summed: Totals) -> None:
    """Write the forecast of a run under the store's ``root``; nodes of an earlier forecast of the run keep theirs.

    A store that cannot be written is not reported here, since the first stage will report it.
    """
    earlier = kept_forecast(root, digest) or {"wall_seconds": summed.wall_seconds, "nodes": {}}
    nodes = {
        row.node.key: {"seconds": row.seconds, "cpu_seconds": row.cpu_seconds, "source": row.source} for row in rows
    }
    path = _path(root, digest)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, {"schema": 1, **earlier, "nodes": {**nodes, **earlier["nodes"]}})


def kept_forecast(root: Path, digest: str) -> dict[str, Any] | None:
    """Read the kept forecast of a run; None where there is none or it does not fit."""
    with suppress(OSError, UserError):
        found: dict[str, Any] = documents.read(_path(root, digest), _Kept).model_dump()
        return found
    return None


def forecast_vs_actual(
    view: StoreView, kept: Mapping[str, Any] | None, nodes: Iterable[Node], compute: ComputeSettings
) -> dict[str, Any] | None:
    """Compare forecast and actual CPU seconds, by stage and in all, of nodes that have both; None without a forecast.

    ``ratio`` is actual by forecast. ``without_estimate`` counts computed nodes that had no forecast. ``usd`` is of the
    whole forecast, None where a part of it is unknown.
    """
    if kept is None:
        return None
    stages: dict[str, dict[str, Any]] = {}
    unknown = 0
    for node in nodes:
        expected = kept["nodes"].get(node.key)
        if expected is None or view.outcome(node) != "done":
            continue
        took = view.provenance(node).get("cpu_seconds")
        if expected["cpu_seconds"] is None or took is None:
            unknown += 1
            continue
        start = {"stage": node.stage, "nodes": 0, "source": expected["source"], **dict.fromkeys(SUMMED, 0.0)}
        row = stages.setdefault(node.stage, start)
        row["nodes"] += 1
        row["cpu_seconds"] += expected["cpu_seconds"]
        row["actual_cpu_seconds"] += took
    # Without a forecast node the sums are unknown, which is not 0.
    compared: dict[str, Any] = {**dict.fromkeys(SUMMED), "ratio": None}
    if stages:
        compared = _rounded({name: sum(row[name] for row in stages.values()) for name in SUMMED})
    wall = kept["wall_seconds"]
    return {
        **compared,
        "without_estimate": unknown,
        "wall_seconds": wall,
        "usd": usd(wall, compute.usd_per_hour),
        "stages": [_rounded(row) for row in stages.values()],
    }


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    expected, took = row["cpu_seconds"], row["actual_cpu_seconds"]
    ratio = round(took / expected, 3) if expected else None
    return {**row, "cpu_seconds": round(expected, 2), "actual_cpu_seconds": round(took, 2), "ratio": ratio}


def _path(root: Path, digest: str) -> Path:
    return root / FOLDER / f"{digest[:16]}.json"
