"""What runs have cost, each result once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from noisy_student import identity
from noisy_student.pipeline.garbage import Call, Root
from noisy_student.pipeline.manifest import Stored
from noisy_student.study.forecast.ledger import FinishedRun, ledger


def _stored(name: str, seconds: float, cpu: float | None = 1.0) -> Stored:
    how = {"seconds": seconds} | ({} if cpu is None else {"cpu_seconds": cpu})
    return Stored(name=name, key=name, facts={}, outcome="done", summary={}, provenance=how)


def _digest(name: str) -> str:
    return identity.digest(name)


def _root(name: str, started: float, nodes: tuple[str, ...], **more: Any) -> Root:
    return Root(digest=_digest(name), command="", started=started, nodes=nodes, **more)


def _run(digest: str, written: float, price: float | None = 7.2, **more: Any) -> FinishedRun:
    compute = {"workers": 2, "usd_per_hour": price}
    totals = {"costs": {"totals": {"seconds": 50.0}}}
    return FinishedRun(
        Path(digest), written, {"digest": _digest(digest), "settings": {"compute": compute}, **totals, **more}
    )


FOUND = {name: _stored(name, seconds) for name, seconds in (("a", 1000.0), ("b", 2000.0), ("c", 4000.0))}


def test_shared_results_are_paid_by_the_run_that_began_first() -> None:
    roots = [_root("late", 20.0, ("a", "b", "c")), _root("early", 10.0, ("a", "b"))]
    early, late = ledger([_run("late", 1.0), _run("early", 2.0)], roots, FOUND)
    assert (early.folder, early.seconds, early.usd, early.shared) == ("early", 3000.0, 3.0, 0)
    assert (late.folder, late.seconds, late.usd, late.shared) == ("late", 4000.0, 4.0, 2)
    assert (early.cpu_seconds, late.cpu_seconds) == (2.0, 1.0)


def test_without_a_price_time_is_known_and_money_is_not() -> None:
    (entry,) = ledger(
        [_run("x", 1.0, None, forecast={"cpu_seconds": 5.0, "usd": None})], [_root("x", 1.0, ("a",))], FOUND
    )
    assert (entry.usd, entry.seconds, entry.forecast_cpu_seconds, entry.forecast_usd) == (None, 1000.0, 5.0, None)


def test_what_is_gone_counts_as_the_run_counted_itself() -> None:
    swept, foreign = ledger([_run("x", 1.0), _run("y", 2.0)], [_root("x", 1.0, ("a", "gone"))], FOUND)
    assert (swept.seconds, swept.cpu_seconds, swept.gone) == (50.0, None, 1)
    assert (foreign.seconds, foreign.gone) == (50.0, 0)


def test_results_of_an_older_version_have_no_cpu_seconds() -> None:
    (entry,) = ledger([_run("x", 1.0)], [_root("x", 1.0, ("a",))], {"a": _stored("a", 10.0, None)})
    assert (entry.seconds, entry.cpu_seconds) == (10.0, None)


def test_calls_that_are_known_are_what_is_paid_for() -> None:
    calls = tuple(
        Call(started=started, ended=ended, workers=workers, usd_per_hour=7.2)
        for started, ended, workers in ((0.0, 500.0, 2), (1000.0, 1500.0, 6))
    )
    (entry,) = ledger([_run("x", 1.0)], [_root("x", 1.0, ("a", "gone"), calls=calls)], FOUND)
    assert (entry.wall_seconds, entry.usd, entry.seconds) == (1000.0, 2.0, 50.0)
    (older,) = ledger([_run("x", 1.0)], [_root("x", 1.0, ("a",))], FOUND)
    assert (older.wall_seconds, older.usd) == (None, 1.0)
