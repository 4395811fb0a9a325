"""Format numbers for terminal and page; an unknown value is an en dash, never 0.

Fractions of 1 come in; percent, points and short words go out. Signs are ASCII, which terminals of any encoding show;
the page sets real minus signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

DASH = "\N{EN DASH}"
SMALLEST_P = 1e-4
_MINUS = re.compile(r"(?<![^\s\[(])-(?=[\d.]|\s)")


def percent(share: float | None) -> str:
    """Return a share of 1 in percent with one decimal.

    >>> percent(0.27), percent(None)
    ('27.0 %', '–')
    """
    return DASH if share is None else f"{100 * share:.1f} %"


def points(difference: float | None) -> str:
    """Return a difference of two shares in signed percentage points; zero after rounding has no sign.

    >>> points(0.012), points(-0.0004)
    ('+1.2', '0.0')
    """
    if difference is None:
        return DASH
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text


def size(share: float | None) -> str:
    """Return a margin or a minimum detectable effect in points without a sign.

    >>> size(0.031)
    '3.1'
    """
    return DASH if share is None else f"{100 * share:.1f}"


def percent_interval(interval: Sequence[float] | None) -> str:
    """Return the bounds of an interval of a share, in percent.

    >>> percent_interval((0.233, 0.311))
    '[23.3, 31.1]'
    """
    return DASH if interval is None else f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def points_interval(interval: Sequence[float] | None) -> str:
    """Return the bounds of an interval of a difference, in signed points.

    >>> points_interval((-0.008, 0.032))
    '[-0.8, +3.2]'
    """
    return DASH if interval is None else f"[{points(interval[0])}, {points(interval[1])}]"


def p_value(p: float | None) -> str:
    """Return a p value with three or four decimals and a floor at 0.0001.

    >>> p_value(0.943149), p_value(0.05243), p_value(0.0)
    ('0.943', '0.0524', '<0.0001')
    """
    if p is None:
        return DASH
    if p < SMALLEST_P:
        return "<0.0001"
    return f"{p:.4f}" if p < 0.1 else f"{p:.3f}"


def count(number: object) -> str:
    """Return a whole number with thousands separators, and anything else as text.

    >>> count(12000), count(None)
    ('12,000', '–')
    """
    if number is None:
        return DASH
    return f"{number:,}" if isinstance(number, int) else str(number)


def rounded(number: float | None) -> str:
    """Return a number rounded to a whole one with thousands separators."""
    return DASH if number is None else f"{round(number):,}"


def two_decimals(number: float | None) -> str:
    """Return a ratio or an amount of money with two decimals."""
    return DASH if number is None else f"{number:.2f}"


def words(value: object) -> str:
    """Return a name or a sentence; a dash if it is missing or empty."""
    return str(value or DASH)


def short_count(number: float | None) -> str:
    """Return a large number with about three digits and a unit.

    >>> short_count(1_234_000), short_count(45_300), short_count(812)
    ('1.23 M', '45.3 k', '812')
    """
    if number is None:
        return DASH
    # 999.5 of one unit rounds to 1.00 of the next.
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        scaled = number / factor
        if scaled >= 0.9995:
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {letter}"
    return f"{number:.0f}"


def scientific(number: float | None) -> str:
    """Return a number in scientific notation with two digits.

    >>> scientific(8.66e12), scientific(None)
    ('8.7e12', '–')
    """
    if number is None:
        return DASH
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}e{int(power)}"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    >>> duration(252.4), duration(7380), duration(0.4)
    ('4 min 12 s', '2 h 3 min', '0.4 s')
    """
    if seconds is None:
        return DASH
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def minus(text: str) -> str:
    """Return ``text`` with real minus signs before numbers and between two conditions.

    >>> minus("filtered-x - baseline: -0.8")
    'filtered-x − baseline: −0.8'
    """
    return _MINUS.sub("\N{MINUS SIGN}", text)
