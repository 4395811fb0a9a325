"""Unit costs from whole pieces of work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.statistics.nonnegative import unit_costs

AMOUNTS = st.lists(st.floats(1, 1e4), min_size=6, max_size=12, unique_by=lambda amount: round(amount))


@given(AMOUNTS, st.floats(0.1, 10), st.floats(1e-3, 1))
def test_a_sum_is_told_apart_again(amounts: list[float], start: float, each: float) -> None:
    rows = [[1.0, amount] for amount in amounts]
    costs = [start + each * amount for amount in amounts]
    found = unit_costs(rows, costs)
    assert min(found) >= 0
    for row, cost in zip(rows, costs, strict=True):
        assert sum(f * amount for f, amount in zip(found, row, strict=True)) == pytest.approx(cost, rel=0.1)


def test_what_was_never_seen_costs_nothing_and_nonsense_is_refused() -> None:
    assert unit_costs([[1.0, 0.0], [1.0, 0.0]], [2.0, 2.0])[1] == 0
    # As many unknowns as the cost of one row: each explains a part of it.
    assert min(unit_costs([[1.0, 100.0]], [3.0])) > 0
    for rows, costs in (([], []), ([[1.0]], [0.0]), ([[1.0], [2.0]], [1.0])):
        with pytest.raises(ValueError, match="one row of work"):
            unit_costs(rows, costs)
