"""TOST against the reference page."""

from __future__ import annotations

import pytest

from noisy_student.statistics.equivalence import CONFIDENCE, equivalent_unpaired, tost_p
from noisy_student.statistics.unpaired import newcombe


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
    low, high = newcombe(135, 500, 134, 500, confidence=CONFIDENCE)
    assert CONFIDENCE == 0.9
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
