"""Calibration error, Brier's parts, AUROC and transported accuracy against the reference page."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.statistics.calibration import Level, auroc, brier, calibration_error, transport

CONFIDENCES = [1, 1, 0.875, 0.75, 0.75, 0.625, 0.5, 0.5, 0.375, 0.25]
CORRECT = [True, True, True, True, False, False, True, False, False, False]
DEV = {8: Level(47, 50), 7: Level(34, 40), 6: Level(21, 30), 5: Level(16, 30), 4: Level(9, 25), 3: Level(4, 25)}
POOL = {8: 1200, 7: 800, 6: 700, 5: 700, 4: 800, 3: 800}


def test_reference_values():
    assert calibration_error(CONFIDENCES, CORRECT) == pytest.approx(0.1875)
    parts = brier(CONFIDENCES, CORRECT)
    assert parts.score == pytest.approx(0.173437, abs=1e-6)
    assert (parts.reliability, parts.resolution, parts.uncertainty) == pytest.approx((0.073437, 0.15, 0.25), abs=1e-6)
    assert auroc(CONFIDENCES, CORRECT) == pytest.approx(0.88)


def test_extremes():
    assert calibration_error([1, 1, 0, 0], [True, True, False, False]) == 0
    assert calibration_error([1, 1, 1, 1], [False] * 4) == 1
    assert auroc([0.1, 0.9], [True, True]) is None
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    with pytest.raises(ValueError, match="no questions"):
        calibration_error([], [])


pairs = st.lists(st.tuples(st.integers(0, 8).map(lambda votes: votes / 8), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(pairs=pairs)
def test_brier_is_the_sum_of_its_parts(pairs):
    parts = brier([c for c, _ in pairs], [right for _, right in pairs])
    assert parts.score == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(pairs=pairs)
def test_auroc_counts_ordered_pairs(pairs):
    right = [c for c, ok in pairs if ok]
    wrong = [c for c, ok in pairs if not ok]
    found = auroc([c for c, _ in pairs], [ok for _, ok in pairs])
    if not right or not wrong:
        assert found is None
        return
    wins = sum(1.0 if r > w else 0.5 if r == w else 0.0 for r in right for w in wrong)
    assert found == pytest.approx(wins / (len(right) * len(wrong)))


@pytest.mark.parametrize(
    ("votes", "accuracy", "se"),
    [(3, 0.617467, 0.028635), (6, 0.851111, 0.031195), (7, 0.904, 0.030267), (8, 0.94, 0.033586)],
)
def test_transported_accuracy_of_the_pool(votes, accuracy, se):
    found = transport(DEV, {count: n for count, n in POOL.items() if count >= votes})
    assert (found.accuracy, found.se) == pytest.approx((accuracy, se), abs=1e-6)
    assert found.borrowed == 0


def test_unseen_levels_borrow_from_below_and_say_so():
    found = transport({8: Level(9, 10), 5: Level(5, 10)}, {8: 10, 7: 30, 2: 10})
    assert found.accuracy == pytest.approx(0.2 * 0.9 + 0.8 * 0.5)
    assert found.borrowed == 40
    assert found.n == 50


def test_nothing_known_is_none():
    assert transport({}, POOL) is None
    assert transport({8: Level(0, 0)}, POOL) is None
    assert transport(DEV, {}) is None
