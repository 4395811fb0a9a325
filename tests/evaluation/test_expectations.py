"""Judgements of predictions and of saturation at their bounds; criteria and controls are tested with their rows."""

from __future__ import annotations

import pytest

from noisy_student.evaluation.contrast import prediction_answer
from noisy_student.evaluation.pass_at_k import saturation
from noisy_student.statistics.intervals import Interval


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "answer"),
    [
        (0.51, 0.6, 0.5, None, "held"),
        (0.5, 0.6, 0.5, None, "unsure"),
        (0.4, 0.5, 0.5, None, "failed"),
        (0.4, 0.49, None, 0.5, "held"),
        (0.4, 0.5, None, 0.5, "unsure"),
        (0.5, 0.6, None, 0.5, "failed"),
    ],
)
def test_a_prediction_needs_the_whole_interval_on_one_side(
    low: float, high: float, above: float | None, below: float | None, answer: str
) -> None:
    assert prediction_answer(Interval(low, high), above=above, below=below) == answer


@pytest.mark.parametrize(
    ("curve", "k"),
    [
        ([(1, 0.5), (2, 0.5), (4, 0.6), (8, 0.61)], 4),
        ([(1, 0.5), (2, 0.5), (4, 0.6)], None),  # 1 to 2 never counts
        ([(1, 0.5), (2, 0.5), (4, 0.6), (6, 0.6)], None),  # the last step is shorter than a doubling
        ([], None),
    ],
)
def test_a_curve_saturates_where_a_doubling_gains_too_little(curve: list[tuple[int, float]], k: int | None) -> None:
    assert saturation(curve, 0.02) == k
