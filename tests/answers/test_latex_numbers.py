r"""Numbers in LaTeX: mixed, grouped, recurring, powers of ten, other bases; bounded."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answers.latex_numbers import based, improper, joined_groups, latex_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("\\frac{-1}{-2}", "0.5"), ("-\\frac{1}{3}", "-1/3"), ("1e6", "1000000"), ("1.5e-3", "0.0015")],
        *[("3\\cdot10^{5}", "300000"), ("0.\\overline{9}", "1"), ("0.1666\\ldots", "1/6"), ("0.1212\\ldots", "4/33")],
        *[("2.718281828\\ldots", None), ("3.14\\ldots", None), ("1e400", None), ("10^{999}", None), ("2\\pi", None)],
        *[("\\frac{1}{0}", None), ("12 34", None), ("1e999999999", None), ("9" * 200, None)],
    ],
)
def test_a_number_is_exact_and_bounded(text: str, number: str | None) -> None:
    assert latex_number(text) == number


@given(st.integers(0, 10**9), st.integers(2, 16))
def test_a_number_of_any_base_has_its_value(value: int, base: int) -> None:
    digits, rest = "", value
    while rest or not digits:
        rest, digit = divmod(rest, base)
        digits = "0123456789ABCDEF"[digit] + digits
    if any(map(str.isdigit, digits)):
        assert based(f"{digits}_{{{base}}}") == (Fraction(value), base)


def test_what_is_no_number_of_a_base_has_none() -> None:
    assert [based(text) for text in ("13_3", "x_2", "a_{16}", "12_1", "12_{40}", "12")] == [None] * 6


def test_only_groups_of_three_are_joined_and_only_proper_parts_are_mixed() -> None:
    assert joined_groups("1 234 567") == "1234567"
    for text in ("12 34", "1 23", "1234 567", "1 234 56", "0 123"):
        assert joined_groups(text) == text
    assert improper("1 1/2") == "\\frac{3}{2}"
    for text in ("1 3/2", "x^2\\frac{1}{2}", "2.5\\frac{1}{2}", "1/2 1/3"):
        assert improper(text) == text
