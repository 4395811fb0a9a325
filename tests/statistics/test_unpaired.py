"""Unpaired tests and intervals against the reference, the published table, and statsmodels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.statistics.multiple import benjamini_hochberg, holm
from noisy_student.statistics.unpaired import (
    EQUIVALENCE_CONFIDENCE,
    equivalent_unpaired,
    fisher_p,
    newcombe,
    pooled_p,
    pooled_z,
    tost_p,
)

HERE = Path(__file__).parent
ORACLES = json.loads((HERE / "oracles.json").read_text())["two_prop"]
TABLE = json.loads((HERE / "published_table.json").read_text())


def _arms(row):
    return TABLE["right"][row["a"]], 500, TABLE["right"][row["b"]], 500


@pytest.mark.parametrize("row", ORACLES, ids=lambda row: f"{row['k1']}/{row['n1']}-{row['k2']}/{row['n2']}")
def test_two_proportions_equal_the_reference(row):
    counts = row["k1"], row["n1"], row["k2"], row["n2"]
    assert pooled_z(*counts) == pytest.approx(row["z_pooled"], rel=1e-8)
    assert pooled_p(*counts) == pytest.approx(row["p_pooled"], rel=1e-8)
    assert fisher_p(*counts) == pytest.approx(row["p_fisher"], rel=1e-8)
    assert newcombe(*counts) == pytest.approx(row["newcombe"], abs=1e-9)


@pytest.mark.parametrize("row", TABLE["contrasts"], ids=lambda row: f"{row['a']} - {row['b']}")
def test_published_table_contrasts(row):
    counts = _arms(row)
    assert 100 * (counts[0] - counts[2]) / 500 == pytest.approx(row["points"])
    assert pooled_z(*counts) == pytest.approx(row["z"], abs=5.1e-5)
    assert pooled_p(*counts) == pytest.approx(row["p"], abs=5.1e-7)
    assert fisher_p(*counts) == pytest.approx(row["fisher"], abs=5.1e-7)
    assert [100 * end for end in newcombe(*counts)] == pytest.approx(row["newcombe"], abs=0.0051)


def test_published_table_corrections():
    contrasts = TABLE["contrasts"]
    p_values = [pooled_p(*_arms(row)) for row in contrasts]
    assert len(contrasts) == 36
    assert holm(p_values) == pytest.approx([row["holm"] for row in contrasts], abs=5.1e-7)
    assert benjamini_hochberg(p_values) == pytest.approx([row["bh"] for row in contrasts], abs=5.1e-7)
    exact = [fisher_p(*_arms(row)) for row in contrasts]
    assert holm(exact) == pytest.approx([row["holm_fisher"] for row in contrasts], abs=5.1e-7)


def test_newcombe_equals_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for counts in [(56, 70, 48, 80), (0, 500, 3, 500), (7, 10, 2, 10)]:
        theirs = proportion.confint_proportions_2indep(*counts, method="newcomb", compare="diff")
        assert newcombe(*counts) == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("k", [0, 500])
def test_nothing_to_tell_apart_gives_one_not_nan(k):
    assert pooled_p(k, 500, k, 500) == 1
    assert fisher_p(k, 500, k, 500) == 1
    low, high = newcombe(k, 500, k, 500)
    assert -0.02 < low < 0 < high < 0.02


@examples(30)
@given(n1=st.integers(1, 300), n2=st.integers(1, 300), s1=st.floats(0, 1), s2=st.floats(0, 1))
def test_intervals_hold_the_difference_and_turn_with_it(n1, n2, s1, s2):
    k1, k2 = round(s1 * n1), round(s2 * n2)
    difference = k1 / n1 - k2 / n2
    low, high = newcombe(k1, n1, k2, n2)
    assert -1 - 1e-12 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1 + 1e-12
    assert newcombe(k2, n2, k1, n1) == pytest.approx((-high, -low), abs=1e-9)
    assert 0 <= pooled_p(k1, n1, k2, n2) <= 1


@pytest.mark.parametrize(("margin", "p_value", "shown"), [(0.02, 0.260, False), (0.05, 0.0435, True)])
def test_baseline_against_noisy_student(margin, p_value, shown):
    # The unpooled standard error of 135 / 500 - 134 / 500.
    se = (135 * 365 / 500**3 + 134 * 366 / 500**3) ** 0.5
    assert tost_p(0.002, se, margin=margin) == pytest.approx(p_value, abs=5.1e-4)
    assert equivalent_unpaired(135, 500, 134, 500, margin=margin) is shown


def test_a_narrow_interval_is_needed_not_a_high_p():
    assert equivalent_unpaired(6000, 10_000, 6000, 10_000, margin=0.02)
    assert not equivalent_unpaired(60, 100, 60, 100, margin=0.02)
    assert not equivalent_unpaired(6000, 10_000, 5800, 10_000, margin=0.02)


def test_the_90_percent_interval_decides():
    low, high = newcombe(135, 500, 134, 500, confidence=EQUIVALENCE_CONFIDENCE)
    assert EQUIVALENCE_CONFIDENCE == 0.9
    assert high > -low
    assert equivalent_unpaired(135, 500, 134, 500, margin=high + 1e-9)
    assert not equivalent_unpaired(135, 500, 134, 500, margin=high)


def test_tost_p_at_the_margin_and_without_spread():
    assert tost_p(0.02, 0.01, margin=0.02) == pytest.approx(0.5)
    assert tost_p(0.0, 0.01, margin=0.02, df=2) > tost_p(0.0, 0.01, margin=0.02)
    assert tost_p(0.01, 0.0, margin=0.02) == 0
    assert tost_p(0.03, 0.0, margin=0.02) == 1
    with pytest.raises(ValueError, match="above 0"):
        equivalent_unpaired(1, 2, 1, 2, margin=0)
