"""Expected draws of early stopping against the reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.statistics.stopping import adaptive_consistency, leader_probability, window_draws

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())


@pytest.mark.parametrize("row", ORACLES["adaptive_consistency_beta"], ids=str)
def test_leader_probability_equals_the_reference(row):
    assert leader_probability(row["a"], row["b"]) == pytest.approx(row["p"], abs=1e-9)


@pytest.mark.parametrize(
    ("threshold", "leads"),
    [
        (0.95, [4, 6, 8, 9, 11, 12, 14, 15, 17, 18, 19]),
        (0.99, [6, 9, 11, 13, 14, 16, 18, 19, 21, 23, 24]),
        (0.90, [3, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17]),
    ],
)
def test_least_leader_that_stops(threshold, leads):
    found = [next(a for a in range(b, 60) if leader_probability(a, b) >= threshold) for b in range(11)]
    assert found == leads


@pytest.mark.parametrize("row", ORACLES["ac_expected"], ids=str)
def test_adaptive_consistency_equals_the_reference(row):
    found = adaptive_consistency(row["p"], threshold=row["th"], cap=row["kmax"])
    assert (found.draws, found.accuracy) == pytest.approx((row["EN"], row["acc"]), abs=1e-7)


def test_adaptive_consistency_table():
    assert adaptive_consistency(0.5, threshold=0.95, cap=32).draws == pytest.approx(23.971450, abs=1e-6)
    assert adaptive_consistency(1.0, threshold=0.95, cap=32).draws == 4
    assert adaptive_consistency(0.7, threshold=0.95, cap=32).accuracy == pytest.approx(0.980975, abs=1e-6)


@pytest.mark.parametrize("row", ORACLES["esc"], ids=str)
def test_window_draws_equal_the_reference(row):
    assert window_draws(row["ps"], window=row["w"], cap=row["L"]) == pytest.approx(row["EN"], abs=1e-7)


def test_window_draws_edges():
    assert window_draws([0.8, 0.1, 0.1], window=4, cap=32) == pytest.approx(9.617151, abs=1e-6)
    assert window_draws([0.6, 0.4], window=5, cap=40) == pytest.approx(29.625876, abs=1e-6)
    assert window_draws([], window=4, cap=32) == 32
    with pytest.raises(ValueError, match="whole number"):
        window_draws([1.0], window=5, cap=32)
