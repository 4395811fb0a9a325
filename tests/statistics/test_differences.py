"""Paired t, sign flips and the crossed mean against the reference and against each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noisy_student.statistics.differences import PairedT, crossed_mean, paired_t, sign_flip
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.paired import mcnemar_exact

A = np.array([[1, 0, 1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 1, 0]])
B = np.array([[1, 0, 0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 1, 0], [1, 0, 1, 1, 0, 0, 0, 0]])


def test_seeds_and_questions_of_the_reference_table():
    by_seed = paired_t((A - B).mean(axis=1).tolist())
    assert (by_seed.difference, by_seed.t, by_seed.p_value) == pytest.approx((1 / 6, 4.0, 0.057191), abs=1e-6)
    questions = (A - B).mean(axis=0).tolist()
    by_question = paired_t(questions)
    assert (by_question.t, by_question.p_value) == pytest.approx((2.645751, 0.033146), abs=1e-6)
    assert sign_flip(questions, run_seed=1) == 0.125


def test_paired_t_equals_scipy():
    a, b = [0.3, 0.5, 0.1, 0.9, 0.4], [0.2, 0.45, 0.2, 0.7, 0.1]
    ours = paired_t([x - y for x, y in zip(a, b, strict=True)])
    theirs = stats.ttest_rel(a, b)
    assert (ours.t, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert ours.interval == pytest.approx(theirs.confidence_interval(0.95))


def test_differences_without_spread_never_give_nan_or_zero():
    none = paired_t([0.0, 0.0, 0.0])
    assert (none.difference, none.se, none.interval, none.p_value) == (0, 0, (0, 0), 1)
    same = paired_t([0.1 + 0.2, 0.3, 0.3])
    assert (same.t, same.interval, same.p_value) == (None, None, 0.25)
    alone = paired_t([0.3])
    assert (alone.p_value, alone.interval, alone.se) == (None, None, None)
    with pytest.raises(ValueError, match="at least one"):
        paired_t([])


@examples(40)
@given(b=st.integers(0, 8), c=st.integers(0, 8), same=st.integers(0, 5))
def test_sign_flips_of_zero_one_outcomes_are_the_exact_mcnemar_test(b, c, same):
    differences = [1.0] * b + [-1.0] * c + [0.0] * same
    assert sign_flip(differences, run_seed=0) == pytest.approx(mcnemar_exact(b, c))


def test_sampled_sign_flips_converge_to_the_exact_test_in_any_order():
    differences = [1.0] * 62 + [-1.0] * 35 + [0.0] * 10
    p_value = sign_flip(differences, run_seed=0)
    assert p_value == pytest.approx(mcnemar_exact(62, 35), abs=0.003)
    shuffled = differences.copy()
    random.Random(3).shuffle(shuffled)
    assert sign_flip(shuffled, run_seed=0) == p_value
    assert sign_flip(differences, run_seed=1) != p_value
    assert sign_flip([1.0] * 60, run_seed=0, resamples=999) == 1 / 1000


def test_every_field_of_differences_without_spread():
    assert paired_t([0.3]) == PairedT(0.3, None, None, None, None, 1)
    assert paired_t([0.0, 0.0]) == PairedT(0.0, 0.0, Interval(0.0, 0.0), None, 1.0, 2)
    assert paired_t([0.25] * 4) == PairedT(0.25, 0.0, None, None, 0.125, 4)
    some = paired_t([1.0, 2.0, 6.0])
    assert (some.n, some.se) == (3, pytest.approx((7 / 3) ** 0.5))
    assert paired_t([1.0, 1.0 + 1e-6, 1.0]).t is not None, "a small spread is a spread"


def test_sampled_flips_count_the_observed_signs_and_never_more_than_all():
    # A sum of 0 is reached by every pattern; one that only two patterns in 2^40 reach, by none that is drawn.
    for resamples in (999, 1000, 2500, 9999):
        assert sign_flip([1.0, -1.0] * 20, run_seed=3, resamples=resamples) == 1
        assert sign_flip([1.0] * 40, run_seed=3, resamples=resamples) == 1 / (resamples + 1)
    assert sign_flip([1.0] * 40, run_seed=3) == 1 / 10_000


def test_small_differences_are_flipped_as_exactly_as_large_ones():
    exact = sign_flip([3.0, 1.0, 1.0, -1.0, 2.0], run_seed=0)
    for scale in (1e-6, 1e6):
        assert sign_flip([scale * d for d in (3.0, 1.0, 1.0, -1.0, 2.0)], run_seed=0) == exact


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
    found = crossed_mean(A - B)
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
    with pytest.raises(ValueError, match="^needs one row per seed"):
        crossed_mean([1, 0])
