"""Calibration error, Brier's parts, AUROC, transported accuracy and the threshold that keeps its error bound."""

from __future__ import annotations

from itertools import product

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noisy_student.statistics.calibration import (
    THRESHOLD_ERROR,
    LevelCounts,
    auroc,
    brier,
    calibration_error,
    least_votes,
    transport,
)

CONFIDENCES = [1, 1, 0.875, 0.75, 0.75, 0.625, 0.5, 0.5, 0.375, 0.25]
CORRECT = [True, True, True, True, False, False, True, False, False, False]
DEV = {
    8: LevelCounts(47, 50),
    7: LevelCounts(34, 40),
    6: LevelCounts(21, 30),
    5: LevelCounts(16, 30),
    4: LevelCounts(9, 25),
    3: LevelCounts(4, 25),
}
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
    with pytest.raises(ValueError, match="at least one"):
        calibration_error([], [])


pairs = st.lists(st.tuples(st.integers(0, 8).map(lambda votes: votes / 8), st.booleans()), min_size=1, max_size=40)


@examples(60)
@given(pairs=pairs)
def test_brier_is_the_sum_of_its_parts(pairs):
    parts = brier([c for c, _ in pairs], [right for _, right in pairs])
    assert parts.score == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty, abs=1e-12)


@examples(40)
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
    found = transport({8: LevelCounts(9, 10), 5: LevelCounts(5, 10)}, {8: 10, 7: 30, 2: 10})
    assert found.accuracy == pytest.approx(0.2 * 0.9 + 0.8 * 0.5)
    assert found.borrowed == 40
    assert found.n == 50


def test_nothing_known_is_none():
    assert transport({}, POOL) is None
    assert transport({8: LevelCounts(0, 0)}, POOL) is None
    assert transport(DEV, {}) is None


levels = st.dictionaries(
    st.integers(0, 8),
    st.integers(0, 40).flatmap(lambda n: st.integers(0, n).map(lambda right: LevelCounts(right, n))),
    max_size=9,
)
targets = st.floats(0.05, 0.99)
# .9^25 is below the error: each of these levels could show a precision of up to .9 by itself.
many = st.dictionaries(
    st.integers(1, 8),
    st.integers(25, 60).flatmap(lambda n: st.integers(0, n).map(lambda right: LevelCounts(right, n))),
    max_size=6,
)


@pytest.mark.parametrize(
    ("found", "precision", "expected"),
    [
        ({8: LevelCounts(22, 22)}, 0.9, 8),
        # .9^21 = .109: so few could never show it, so they are passed over and counted further down.
        ({8: LevelCounts(21, 21)}, 0.9, None),
        ({8: LevelCounts(21, 21), 7: LevelCounts(1, 1)}, 0.9, 7),
        ({8: LevelCounts(21, 21), 7: LevelCounts(0, 1)}, 0.9, None),
        ({8: LevelCounts(60, 60), 7: LevelCounts(9, 10), 6: LevelCounts(5, 10)}, 0.9, 7),
        # The first that fails ends it, though the next would hold again.
        ({8: LevelCounts(20, 30), 7: LevelCounts(400, 400)}, 0.9, None),
        ({}, 0.5, None),
        ({0: LevelCounts(0, 0), 8: LevelCounts(0, 0)}, 0.5, None),
        ({8: LevelCounts(4, 4)}, 0.5, 8),
        ({0: LevelCounts(9, 9), 8: LevelCounts(3, 3)}, 0.5, None),
    ],
)
def test_by_hand(found: dict[int, LevelCounts], precision: float, expected: int | None) -> None:
    assert least_votes(found, precision) == expected


@given(many, st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_where_every_threshold_can_be_tested_more_asked_for_is_no_looser(
    found: dict[int, LevelCounts], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    easy, hard = least_votes(found, low), least_votes(found, high)
    assert hard is None or (easy is not None and easy <= hard)


@given(levels, targets, st.integers(1, 8))
def test_a_right_answer_more_makes_no_threshold_stricter(
    found: dict[int, LevelCounts], precision: float, votes: int
) -> None:
    level = found.get(votes, LevelCounts(0, 0))
    better = {**found, votes: LevelCounts(min(level.right + 1, level.n), level.n)}
    before, after = least_votes(found, precision), least_votes(better, precision)
    assert before is None or (after is not None and after <= before)


@given(levels, targets, st.floats(0.01, 0.5))
def test_what_is_found_has_the_bound_it_claims(found: dict[int, LevelCounts], precision: float, error: float) -> None:
    votes = least_votes(found, precision, error=error)
    if votes is None:
        return
    right = sum(level.right for count, level in found.items() if count >= votes)
    asked = sum(level.n for count, level in found.items() if count >= votes)
    test = stats.binomtest(right, asked, precision, alternative="greater")
    assert test.pvalue <= error + 1e-12
    assert votes in found and found[votes].n > 0 and votes >= 1


@pytest.mark.parametrize("error", [0.1, 0.25])
@pytest.mark.parametrize(
    ("asked", "rates"),
    [
        # Every threshold is a little less right than asked for: at error .1 none may be found in more than a tenth.
        ((12, 8, 6), (0.69, 0.69, 0.69)),
        # The strictest is good, the next ones spoil it.
        ((10, 10, 10), (0.95, 0.3, 0.3)),
        ((10, 10, 10), (0.9, 0.49, 0.69)),
        ((3, 9, 18), (0.2, 0.8, 0.69)),
        ((1, 1, 25), (1.0, 1.0, 0.67)),
    ],
)
def test_a_threshold_that_is_less_right_is_found_in_no_more_than_the_error(
    asked: tuple[int, ...], rates: tuple[float, ...], error: float
) -> None:
    target = 0.7
    counts = (8, 7, 6)
    # What labels from each threshold up are right in truth, with as many of each as were asked.
    true = {
        votes: sum(n * rate for n, rate in zip(asked[: place + 1], rates, strict=False)) / sum(asked[: place + 1])
        for place, votes in enumerate(counts)
    }
    wrong = 0.0
    chances = [stats.binom.pmf(range(n + 1), n, rate) for n, rate in zip(asked, rates, strict=True)]
    for right in product(*(range(n + 1) for n in asked)):
        chance = 1.0
        for place, each in enumerate(right):
            chance *= chances[place][each]
        if chance < 1e-9:
            continue
        found = least_votes(
            {votes: LevelCounts(hits, n) for votes, hits, n in zip(counts, right, asked, strict=True)},
            target,
            error=error,
        )
        wrong += chance if found is not None and true[found] < target else 0.0
    assert wrong <= error + 1e-6


@given(st.integers(1, 8), st.integers(1, 60), st.data())
def test_one_threshold_is_the_exact_test(votes: int, n: int, data: st.DataObject) -> None:
    right, precision = data.draw(st.integers(0, n)), data.draw(targets)
    p_value = stats.binomtest(right, n, precision, alternative="greater").pvalue
    if abs(p_value - THRESHOLD_ERROR) > 1e-9:
        assert (least_votes({votes: LevelCounts(right, n)}, precision) is not None) == (p_value <= THRESHOLD_ERROR)
