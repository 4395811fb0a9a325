"""Format of numbers: unknown is a dash, p has a floor, signs are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.report import numbers


@pytest.mark.parametrize(
    "word",
    [
        numbers.percent,
        numbers.points,
        numbers.size,
        numbers.p_value,
        numbers.count,
        numbers.short_count,
        numbers.duration,
        numbers.percent_interval,
        numbers.points_interval,
    ],
)
def test_unknown_is_a_dash_and_zero_is_not(word):
    assert word(None) == "\N{EN DASH}"
    zero = (0.0, 0.0) if "interval" in word.__name__ else 0
    assert "\N{EN DASH}" not in word(zero)


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "<0.0001"), (9.99e-5, "<0.0001"), (1e-4, "0.0001"), (0.0445, "0.0445"), (0.943149, "0.943"), (1.0, "1.000")],
)
def test_p_is_never_zero(p, text):
    assert numbers.p_value(p) == text


@given(st.floats(-1, 1))
def test_points_carry_the_sign_of_what_they_show(difference):
    text = numbers.points(difference)
    assert text not in {"+0.0", "-0.0"}
    assert float(text) == pytest.approx(100 * difference, abs=0.0501)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (9_994, "9.99 k"), (9_996, "10.0 k"), (999_600, "1.00 M"), (3e9, "3.00 G")],
)
def test_short_counts_round_into_the_next_unit(number, text):
    assert numbers.short_count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (59.6, "1 min 0 s"), (59.4, "59 s"), (3599.7, "1 h 0 min"), (7380, "2 h 3 min")]
)
def test_durations(seconds, text):
    assert numbers.duration(seconds) == text


def test_minus_leaves_names_alone():
    assert numbers.minus("a-1 - b-2: -0.8 [-1.0, +2]") == "a-1 − b-2: −0.8 [−1.0, +2]"
