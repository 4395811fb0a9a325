"""Wilson, t intervals and clustered errors against reference values, statsmodels and their laws."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.statistics.intervals import Interval, clustered_se, mean_se, t_interval, wilson

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())


@pytest.mark.parametrize("row", ORACLES["wilson"], ids=str)
def test_wilson_equals_the_reference(row):
    assert wilson(row["k"], row["n"], confidence=row["conf"]) == pytest.approx((row["lo"], row["hi"]), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 7), (105, 500), (427, 1319)])
def test_wilson_equals_statsmodels(k, n):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    assert wilson(k, n, confidence=0.9) == pytest.approx(proportion.proportion_confint(k, n, 0.1, "wilson"), abs=1e-12)


def test_wilson_is_exactly_clipped_at_the_edges():
    assert wilson(0, 500).low == 0.0
    assert wilson(500, 500).high == 1.0


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_wilson_refuses_impossible_counts(k, n):
    with pytest.raises(ValueError, match="k must lie"):
        wilson(k, n)


@settings(max_examples=50, deadline=None)
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


SCORES = [1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("scores", "clusters", "clustered", "naive"),
    [
        (SCORES, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], 0.096225, 0.150756),
        ([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], 0.223607, 0.150756),
        ([1, 0, 1, 1, 0, 1], range(6), 0.210819, 0.210819),
    ],
)
def test_clustered_error_equals_the_reference(scores, clusters, clustered, naive):
    assert clustered_se(scores, list(clusters)) == pytest.approx(clustered, abs=1e-6)
    assert mean_se(scores) == pytest.approx(naive, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(scores=st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=3, max_size=30).filter(lambda s: len(set(s)) > 1))
def test_duplicated_questions_shrink_the_naive_error_only(scores):
    doubled = scores + scores
    clusters = list(range(len(scores))) * 2
    assert clustered_se(doubled, clusters) == pytest.approx(mean_se(scores))
    assert mean_se(doubled) < mean_se(scores)


def test_clustered_error_needs_two_clusters_and_matching_lengths():
    assert clustered_se([1, 0], ["a", "a"]) is None
    assert clustered_se([], []) is None
    # sqrt(2 / 1 * (0.5^2 + 0.5^2)) / 2, by hand
    assert clustered_se([1, 0], ["a", "b"]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="2 values but 1"):
        clustered_se([1, 0], ["a"])


def test_within_is_strict():
    assert Interval(-0.019, 0.019).within(0.02)
    assert not Interval(-0.02, 0.01).within(0.02)
    assert not Interval(0.0, 0.03).within(0.02)
