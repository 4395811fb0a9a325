"""Estimated share of mixed larger groups: laws, and a simulation of questions that differ."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.training.health.groups import mixed_share
from noisy_student.training.measurements import Group

GROUPS = st.lists(st.integers(0, 4), min_size=1, max_size=40).map(
    lambda counts: [Group(0, str(number), "gold", "4", answers=4, right=right) for number, right in enumerate(counts)]
)


@given(GROUPS, st.integers(1, 64))
def test_it_is_a_share_and_larger_groups_are_mixed_no_less(groups: list[Group], generations: int) -> None:
    here, larger = mixed_share(groups, generations), mixed_share(groups, generations + 1)
    assert here is not None and larger is not None
    assert -1e-9 <= here <= larger + 1e-9 <= 1 + 2e-9
    assert mixed_share(groups, 1) == pytest.approx(0)


def test_of_no_groups_nothing_is_known() -> None:
    assert mixed_share([], 8) is None


@pytest.mark.parametrize("answers", [2, 4])
def test_it_finds_what_larger_groups_of_the_same_questions_show(answers: int) -> None:
    chance = random.Random(7)
    rates = [chance.betavariate(0.6, 0.9) for _ in range(20_000)]
    groups = [
        Group(0, str(number), "gold", "4", answers, sum(chance.random() < rate for _ in range(answers)))
        for number, rate in enumerate(rates)
    ]
    true = sum(1 - rate**16 - (1 - rate) ** 16 for rate in rates) / len(rates)
    assert mixed_share(groups, 16) == pytest.approx(true, abs=0.02)


def test_questions_that_are_certain_stay_so() -> None:
    certain = [Group(0, str(number), "gold", "4", answers=4, right=4 * (number % 2)) for number in range(10)]
    assert mixed_share(certain, 64) == 0
