"""The price of a run: the time for which its calls held the machine, each with its own price."""

from __future__ import annotations

import pytest

from noisy_student.pipeline.garbage import Call
from noisy_student.study.results.costs import hold_times

PRICE = 0.8


def _call(started: float, ended: float | None, workers: int = 1, price: float | None = PRICE) -> Call:
    return Call(started=started, ended=ended, workers=workers, usd_per_hour=price)


def test_two_calls_with_other_workers_cost_their_wall_time() -> None:
    # 9.7 minutes of the machine at .80 USD an hour are .13 USD, however many workers shared it.
    held = hold_times([_call(0.0, 282.0, workers=2), _call(1000.0, 1300.0, workers=6)], [])
    assert [one.seconds for one in held] == [282.0, 300.0]
    assert sum(one.usd or 0.0 for one in held) == pytest.approx(0.1293, abs=1e-4)


def test_each_call_has_its_own_price() -> None:
    held = hold_times(
        [_call(0.0, 3600.0, price=1.0), _call(7200.0, 9000.0, price=3.0), _call(9000.0, 9100.0, price=None)], []
    )
    assert [one.usd for one in held] == [1.0, 1.5, None]


def test_time_that_two_calls_share_counts_once() -> None:
    held = hold_times([_call(50.0, 150.0), _call(0.0, 100.0), _call(60.0, 90.0)], [])
    assert [one.seconds for one in held] == [100.0, 50.0, 0.0]


def test_a_killed_call_counts_until_its_last_result() -> None:
    held = hold_times([_call(10.0, None), _call(100.0, 130.0), _call(200.0, None)], [5.0, 20.0, 40.0, 120.0])
    assert [one.seconds for one in held] == [30.0, 30.0, 0.0]


def test_no_call_is_no_time() -> None:
    assert hold_times([], [1.0]) == []
