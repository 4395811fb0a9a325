"""The recovered share of the oracle's gap."""

from __future__ import annotations

import random

import pytest

from noisy_student.statistics.gap import gap_recovered


def _scores(student, baseline, oracle, n=400):
    """n questions of which the first ``baseline`` are right for all, and so on upwards."""
    return [[float(i < right) for i in range(n)] for right in (student, baseline, oracle)]


def test_a_student_half_way_recovers_half():
    found = gap_recovered(*_scores(200, 160, 240), run_seed=1)
    assert found.share == pytest.approx(0.5)
    assert found.gap == pytest.approx(0.2)
    assert 0.35 < found.interval.low < 0.45 < 0.55 < found.interval.high < 0.65
    # gap interval: 0.2 +- 1.96 sqrt(0.2 * 0.8 / 400)
    assert found.gap_interval == pytest.approx((0.1608, 0.2392), abs=0.006)


def test_the_ends():
    assert gap_recovered(*_scores(240, 160, 240), run_seed=1).interval == (1, 1)
    assert gap_recovered(*_scores(160, 160, 240), run_seed=1).interval == (0, 0)
    worse = gap_recovered(*_scores(120, 160, 240), run_seed=1)
    assert worse.share == pytest.approx(-0.5)
    assert worse.interval.high < 0


@pytest.mark.parametrize("oracle", [160, 162, 120])
def test_no_share_of_a_gap_that_may_not_exist(oracle):
    assert gap_recovered(*_scores(200, 160, oracle), run_seed=1) is None


def test_order_does_not_matter_but_the_seed_does():
    columns = _scores(200, 160, 240)
    rows = list(zip(*columns, strict=True))
    random.Random(5).shuffle(rows)
    shuffled = [list(column) for column in zip(*rows, strict=True)]
    assert gap_recovered(*columns, run_seed=1) == gap_recovered(*shuffled, run_seed=1)
    assert gap_recovered(*columns, run_seed=1) != gap_recovered(*columns, run_seed=2)
    with pytest.raises(ValueError, match="same questions"):
        gap_recovered([1.0], [1.0, 0.0], [1.0], run_seed=1)


def test_as_many_resamples_as_asked_for_and_no_more():
    # With one resample the interval is one point; with a few, its ends are among what they gave.
    (low, high) = gap_recovered(*_scores(200, 160, 240), run_seed=1, resamples=1).interval
    assert low == high
    few = gap_recovered(*_scores(200, 160, 240), run_seed=1, resamples=3).interval
    assert few.low < few.high
