"""A run's forecast, kept from its first start to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.store import Store
from noisy_student.study.forecast.forecast import Expected, Totals
from noisy_student.study.forecast.forecast_vs_actual import forecast_vs_actual, keep_forecast, kept_forecast
from noisy_student.study.results.view import StoreView
from noisy_student.study.settings.study import ComputeSettings

COMPUTE = ComputeSettings(usd_per_hour=3.6)


def _node(seed: int) -> Node:
    return make("split", {"data": {}}, seed=seed)


def _compared(store: Store, digest: str, nodes: list[Node]) -> dict[str, Any] | None:
    return forecast_vs_actual(StoreView(store), kept_forecast(store.root, digest), nodes, COMPUTE)


def _done(store: Store, node: Node, **provenance: float) -> None:
    with store.hold(node, lambda: None):
        store.open_work(node)
        store.commit(node, summary={}, provenance={"seconds": 9.0, **provenance})


def _expected(node: Node, cpu: float | None) -> Expected:
    return Expected(node, cpu, cpu, None, None, None if cpu is None else "store")


def _totals(wall: float | None) -> Totals:
    return Totals(None, None, wall, None, None, None, 0)


def test_the_first_forecast_is_compared(tmp_path: Path) -> None:
    store, nodes = Store(tmp_path), [_node(seed) for seed in range(4)]
    assert _compared(store, "a" * 64, nodes) is None
    keep_forecast(
        tmp_path, "a" * 64, [_expected(node, 2.0) for node in nodes[:2]] + [_expected(nodes[2], None)], _totals(1000.0)
    )
    # After a pause more is known, and nothing of it counts; what is missing besides is added.
    keep_forecast(tmp_path, "a" * 64, [_expected(nodes[1], 77.0), _expected(nodes[3], 4.0)], _totals(5.0))
    _done(store, nodes[0], cpu_seconds=3.0)
    _done(store, nodes[2], cpu_seconds=8.0)
    _done(store, nodes[3], cpu_seconds=3.0)
    found = _compared(store, "a" * 64, nodes)
    assert found is not None
    assert (found["cpu_seconds"], found["actual_cpu_seconds"], found["ratio"]) == (6.0, 6.0, 1.0)
    assert (found["without_estimate"], found["wall_seconds"], found["usd"]) == (1, 1000.0, 1.0)
    assert [(row["stage"], row["nodes"], row["source"]) for row in found["stages"]] == [("split", 2, "store")]


def test_results_without_cpu_seconds_have_no_ratio(tmp_path: Path) -> None:
    store, node = Store(tmp_path), _node(1)
    keep_forecast(tmp_path, "b" * 64, [_expected(node, 2.0)], _totals(None))
    _done(store, node)
    found = _compared(store, "b" * 64, [node])
    assert found is not None
    assert (found["cpu_seconds"], found["actual_cpu_seconds"]) == (None, None)
    assert (found["ratio"], found["without_estimate"], found["usd"], found["stages"]) == (None, 1, None, [])


def test_a_damaged_forecast_is_none(tmp_path: Path) -> None:
    store, node = Store(tmp_path), _node(1)
    keep_forecast(tmp_path, "c" * 64, [_expected(node, 2.0)], _totals(1.0))
    next(tmp_path.glob("forecasts/*.json")).write_text("{")
    assert _compared(store, "c" * 64, [node]) is None
