"""TOST against the reference page."""

from __future__ import annotations

import pytest

from noisy_student.statistics.equivalence import (
    equivalence_of_differences,
    equivalence_paired,
    equivalence_unpaired,
    tost_p,
    unpaired_se,
)
from noisy_student.statistics.paired import PairedCounts


@pytest.mark.parametrize(("margin", "p_value", "shown"), [(0.02, 0.260, False), (0.05, 0.0435, True)])
def test_baseline_against_noisy_student(margin, p_value, shown):
    assert tost_p(0.002, unpaired_se(135, 500, 134, 500), margin=margin) == pytest.approx(p_value, abs=5.1e-4)
    assert equivalence_unpaired(135, 500, 134, 500, margin=margin).shown is shown


def test_paired_counts_need_a_narrow_interval_not_a_high_p():
    alike = PairedCounts(600, 20, 20, 679)
    assert equivalence_paired(alike, margin=0.02).shown
    assert not equivalence_paired(PairedCounts(60, 20, 20, 67), margin=0.02).shown
    assert not equivalence_paired(PairedCounts(600, 60, 20, 639), margin=0.02).shown


def test_seed_differences():
    close = equivalence_of_differences([0.001, -0.002, 0.001], margin=0.02)
    assert close.shown
    assert close.interval == pytest.approx((-0.00292, 0.00292), abs=1e-5)
    assert not equivalence_of_differences([0.03, -0.03, 0.0], margin=0.02).shown
    assert equivalence_of_differences([0.001], margin=0.02).interval is None
    assert not equivalence_of_differences([0.001], margin=0.02).shown


def test_tost_p_at_the_margin_and_without_spread():
    assert tost_p(0.02, 0.01, margin=0.02) == pytest.approx(0.5)
    assert tost_p(0.0, 0.01, margin=0.02, df=2) > tost_p(0.0, 0.01, margin=0.02)
    assert tost_p(0.01, 0.0, margin=0.02) == 0
    assert tost_p(0.03, 0.0, margin=0.02) == 1
    with pytest.raises(ValueError, match="above 0"):
        equivalence_unpaired(1, 2, 1, 2, margin=0)
