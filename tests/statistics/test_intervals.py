"""Wilson and t intervals against reference values, scipy and their laws."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noisy_student.statistics.intervals import Interval, mean_se, t_interval, wilson

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())


@pytest.mark.parametrize("row", ORACLES["wilson"], ids=str)
def test_wilson_equals_the_reference(row):
    assert wilson(row["k"], row["n"], confidence=row["conf"]) == pytest.approx((row["lo"], row["hi"]), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 9), (1, 7), (105, 500), (427, 1319), (9, 9)])
def test_wilson_equals_scipy(k, n):
    theirs = stats.binomtest(k, n).proportion_ci(0.9, method="wilson")
    assert wilson(k, n, confidence=0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_is_exactly_clipped_at_the_edges():
    assert wilson(0, 500).low == 0.0
    assert wilson(500, 500).high == 1.0


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_wilson_refuses_impossible_counts(k, n):
    with pytest.raises(ValueError, match="k must lie"):
        wilson(k, n)


@examples(50)
@given(n=st.integers(1, 3000), share=st.floats(0, 1))
def test_wilson_holds_its_proportion_inside_zero_and_one(n, share):
    k = round(share * n)
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


def test_wilson_covers_the_truth_about_as_often_as_it_says():
    for p in (0.1, 0.27, 0.5):
        kept = [k for k in range(201) if wilson(k, 200).low <= p <= wilson(k, 200).high]
        coverage = sum(math.comb(200, k) * p**k * (1 - p) ** (200 - k) for k in kept)
        assert 0.93 < coverage < 0.97


def test_t_interval_over_seeds():
    assert t_interval([27.0, 28.0, 26.2]) == pytest.approx((24.826347, 29.306986), abs=1e-6)
    assert t_interval([27.0, 28.0]) == pytest.approx((21.146898, 33.853102), abs=1e-6)
    assert mean_se([27.0, 28.0, 26.2]) == pytest.approx(0.901850 / math.sqrt(3), abs=1e-6)
    assert t_interval([27.0]) is None
    assert mean_se([27.0]) is None
    assert mean_se([1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0]) == pytest.approx(0.150756, abs=1e-6)


def test_within_is_strict():
    assert Interval(-0.019, 0.019).within(0.02)
    assert not Interval(-0.02, 0.01).within(0.02)
    assert not Interval(0.0, 0.03).within(0.02)
