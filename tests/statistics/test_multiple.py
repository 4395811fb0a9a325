"""Holm and Benjamini-Hochberg against the reference and statsmodels."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.statistics.multiple import benjamini_hochberg, holm

FIVE = [0.061684, 0.052421, 0.026330, 0.943149, 0.001942]
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("p_values", "by_holm", "by_bh"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], [0.02, 0.04, 0.04, 0.02]),
        (FIVE, [0.157263, 0.157263, 0.105320, 0.943149, 0.009710], [0.077105, 0.077105, 0.065825, 0.943149, 0.009710]),
        ([0.05] * 3, [0.15] * 3, [0.05] * 3),
        ([], [], []),
    ],
)
def test_reference_values(p_values, by_holm, by_bh):
    assert holm(p_values) == pytest.approx(by_holm, abs=1e-6)
    assert benjamini_hochberg(p_values) == pytest.approx(by_bh, abs=1e-6)


def test_twenty_five_tests():
    first = [0.001, 0.008, 0.039, 0.041, 0.042, 0.060] + [0.9] * 19
    assert holm(first)[:5] == pytest.approx([0.025, 0.192, 0.897, 0.902, 0.902])
    assert benjamini_hochberg(first)[:6] == pytest.approx([0.025, 0.1, 0.21, 0.21, 0.21, 0.25])


@examples(60)
@given(p_values=p_lists)
def test_raw_is_below_bh_below_holm_below_bonferroni(p_values):
    for raw, bh, by_holm in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert raw - 1e-12 <= bh <= by_holm + 1e-12
        assert by_holm <= min(1.0, raw * len(p_values)) + 1e-12


@examples(8)
@given(p_values=p_lists)
def test_both_equal_statsmodels(p_values):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    assert holm(p_values) == pytest.approx(list(multitest.multipletests(p_values, method="holm")[1]), abs=1e-12)
    assert benjamini_hochberg(p_values) == pytest.approx(
        list(multitest.multipletests(p_values, method="fdr_bh")[1]), abs=1e-12
    )
