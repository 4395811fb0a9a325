"""Variance with several answers or seeds a question against the reference page."""

from __future__ import annotations

import pytest

from noisy_student.statistics.repeated import crossed_mean, repeated_mean

ROWS = [[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0], [1, 0, 1, 0]]
A = [[1, 0, 1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 1, 0]]
B = [[1, 0, 0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 1, 0], [1, 0, 1, 1, 0, 0, 0, 0]]


def test_answers_of_one_question():
    found = repeated_mean(ROWS)
    assert found.mean == 0.5
    assert found.se == pytest.approx(0.176777, abs=1e-6)
    assert found.within == pytest.approx(0.166667, abs=1e-6)
    assert found.between == pytest.approx(0.114583, abs=1e-6)


def test_one_answer_has_no_parts():
    found = repeated_mean([[1], [0], [1]])
    assert (found.within, found.between) == (None, None)
    assert found.se == pytest.approx(1 / 3)
    assert repeated_mean([[1, 0]]).se is None
    with pytest.raises(ValueError, match="one row a question"):
        repeated_mean([])


@pytest.mark.parametrize(
    ("table", "mean", "squares", "se"),
    [(A, 0.5, (0.666667, 0.125, 0.077381), 0.172516), (B, 0.333333, (0.380952, 0.041667, 0.184524), 0.125988)],
)
def test_crossed_seeds_and_questions(table, mean, squares, se):
    found = crossed_mean(table)
    assert found.mean == pytest.approx(mean, abs=1e-6)
    assert (found.ms_question, found.ms_seed, found.ms_error) == pytest.approx(squares, abs=1e-6)
    assert found.se == pytest.approx(se, abs=1e-6)


def test_crossed_difference_and_clipped_variance():
    difference = [[a - b for a, b in zip(x, y, strict=True)] for x, y in zip(A, B, strict=True)]
    found = crossed_mean(difference)
    assert (found.mean, found.se) == pytest.approx((0.166667, 0.087684), abs=1e-6)
    assert crossed_mean(B).var_seed == 0
    assert crossed_mean(A[:1]) is None


def test_the_smallest_table_that_has_parts():
    found = crossed_mean([[1, 0], [1, 1]])
    assert (found.mean, found.ms_question, found.ms_seed, found.ms_error) == (0.75, 0.25, 0.25, 0.25)
    assert (found.var_question, found.var_seed) == (0, 0)
    assert found.se == 0.25
    assert crossed_mean([[1], [0]]) is None
    assert crossed_mean(A).var_question == pytest.approx((0.666667 - 0.077381) / 3, abs=1e-6)
    with pytest.raises(ValueError, match="^needs one row a seed, all of one length$"):
        crossed_mean([1, 0])


def test_rows_are_rows():
    assert repeated_mean([[1], [0], [1]]).mean == pytest.approx(2 / 3)
    assert repeated_mean([[1]]).mean == 1
    with pytest.raises(ValueError, match="^needs one row a question, all of one length$"):
        repeated_mean([1, 0])
