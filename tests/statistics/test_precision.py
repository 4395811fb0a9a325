"""The loosest threshold: by hand, as laws, and how often it is wrong, summed over every outcome."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noisy_student.statistics.calibration import Level
from noisy_student.statistics.precision import ERROR, least_votes

levels = st.dictionaries(
    st.integers(0, 8),
    st.integers(0, 40).flatmap(lambda n: st.integers(0, n).map(lambda right: Level(right, n))),
    max_size=9,
)
targets = st.floats(0.05, 0.99)
# .9^25 is below the error: each of these levels could show a precision of up to .9 by itself.
many = st.dictionaries(
    st.integers(1, 8),
    st.integers(25, 60).flatmap(lambda n: st.integers(0, n).map(lambda right: Level(right, n))),
    max_size=6,
)


@pytest.mark.parametrize(
    ("found", "precision", "expected"),
    [
        ({8: Level(22, 22)}, 0.9, 8),
        # .9^21 = .109: so few could never show it, so they are passed over and counted further down.
        ({8: Level(21, 21)}, 0.9, None),
        ({8: Level(21, 21), 7: Level(1, 1)}, 0.9, 7),
        ({8: Level(21, 21), 7: Level(0, 1)}, 0.9, None),
        ({8: Level(60, 60), 7: Level(9, 10), 6: Level(5, 10)}, 0.9, 7),
        # The first that fails ends it, though the next would hold again.
        ({8: Level(20, 30), 7: Level(400, 400)}, 0.9, None),
        ({}, 0.5, None),
        ({0: Level(0, 0), 8: Level(0, 0)}, 0.5, None),
        ({8: Level(4, 4)}, 0.5, 8),
        ({0: Level(9, 9), 8: Level(3, 3)}, 0.5, None),
    ],
)
def test_by_hand(found: dict[int, Level], precision: float, expected: int | None) -> None:
    assert least_votes(found, precision) == expected


@given(many, st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_where_every_threshold_can_be_tested_more_asked_for_is_no_looser(
    found: dict[int, Level], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    easy, hard = least_votes(found, low), least_votes(found, high)
    assert hard is None or (easy is not None and easy <= hard)


@given(levels, targets, st.integers(1, 8))
def test_a_right_answer_more_makes_no_threshold_stricter(found: dict[int, Level], precision: float, votes: int) -> None:
    level = found.get(votes, Level(0, 0))
    better = {**found, votes: Level(min(level.right + 1, level.n), level.n)}
    before, after = least_votes(found, precision), least_votes(better, precision)
    assert before is None or (after is not None and after <= before)


@given(levels, targets, st.floats(0.01, 0.5))
def test_what_is_found_has_the_bound_it_claims(found: dict[int, Level], precision: float, error: float) -> None:
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
            {votes: Level(hits, n) for votes, hits, n in zip(counts, right, asked, strict=True)}, target, error=error
        )
        wrong += chance if found is not None and true[found] < target else 0.0
    assert wrong <= error + 1e-6


@given(st.integers(1, 8), st.integers(1, 60), st.data())
def test_one_threshold_is_the_exact_test(votes: int, n: int, data: st.DataObject) -> None:
    right, precision = data.draw(st.integers(0, n)), data.draw(targets)
    p_value = stats.binomtest(right, n, precision, alternative="greater").pvalue
    if abs(p_value - ERROR) > 1e-9:
        assert (least_votes({votes: Level(right, n)}, precision) is not None) == (p_value <= ERROR)
