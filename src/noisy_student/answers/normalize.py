"""Canonical form of written numbers: one string per value, exact, without floats and without computer algebra.

The canonical form is a plain decimal (``18``, ``-0.75``) or, where no decimal ends, a reduced fraction (``1/3``).

Read: ASCII digits with an optional sign (``+``, ``-``, U+2212), ``.5``, ``5.``, leading zeros; commas between
whole groups of three (``1,000``); one currency sign before or after; a percent sign, which is dropped as GSM8K's
key does (``75%`` is 75); ``3/4`` and ``\\frac{3}{4}`` of whole numbers.

Not a number, so that no guess becomes a vote: ``1,00`` ``0,500`` ``1000,000`` (misplaced commas),
``1.000,00`` and ``1 000`` (other conventions), ``1 1/2``, ``1.5/2``, ``3/0``, ``1_000``, ``0x10``, ``1e3``, fullwidth
and other non-ASCII digits, ``nan``, ``inf``, expressions, and anything above the length caps below.
"""

from __future__ import annotations

import math
import re

MAX_SURFACE = 100
"""Longest written number in characters; longer ones are runaway digits, not answers."""

MAX_FRACTION_DIGITS = 18
"""Most digits above and below a fraction line; the decimal of 10^18 over 2^59 still fits MAX_SURFACE characters."""

_SIGN = "[-+\u2212]"
_CURRENCY = "(?:\\\\?\\$|[\u20ac\xa3\xa5\u20b9])"
_DECIMAL = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})++(?![0-9])|[0-9]++)(?:\.[0-9]++)?|\.[0-9]++"
_FRACTION = r"[0-9]++/[0-9]++|\\[dt]?frac\{[0-9]++\}\{[0-9]++\}"

NUMBER = rf"(?:{_SIGN}?(?:{_CURRENCY} ?)?|{_CURRENCY} ?{_SIGN})(?:{_FRACTION}|{_DECIMAL})"
"""Pattern of a written number without its suffix; it never backtracks over digits."""

_SURFACE = re.compile(
    rf"(?:(?P<sign>{_SIGN})?(?:{_CURRENCY} ?)?|{_CURRENCY} ?(?P<inner_sign>{_SIGN}))"
    rf"(?P<body>{_FRACTION}|{_DECIMAL})(?: ?\\?%| ?{_CURRENCY})?\.?"
)
_DIGITS = re.compile("[0-9]++")


def canonical_number(surface: str) -> str | None:
    """Return the canonical form of a written number, or None if ``surface`` is no number by the rules above.

    >>> canonical_number("$1,000.00"), canonical_number("3/4"), canonical_number("2/6"), canonical_number("1e3")
    ('1000', '0.75', '1/3', None)
    """
    if len(surface) > 2 * MAX_SURFACE:
        return None
    surface = surface.strip()
    if len(surface) > MAX_SURFACE:
        return None
    match = _SURFACE.fullmatch(surface)
    if match is None:
        return None
    body = match["body"]
    value = _fraction(body) if "/" in body or "frac" in body else _decimal(body)
    if value is None or value == "0":
        return value
    negative = (match["sign"] or match["inner_sign"] or "+") != "+"
    return f"-{value}" if negative else value


def _decimal(body: str) -> str:
    whole, _, part = body.replace(",", "").partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def _fraction(body: str) -> str | None:
    above, below = _DIGITS.findall(body)
    if max(len(above), len(below)) > MAX_FRACTION_DIGITS or not int(below):
        return None
    divisor = math.gcd(int(above), int(below))
    numerator, denominator = int(above) // divisor, int(below) // divisor
    rest, twos = _without_factor(denominator, 2)
    rest, fives = _without_factor(rest, 5)
    if rest != 1:
        return f"{numerator}/{denominator}"
    places = max(twos, fives)
    digits = str(numerator * 10**places // denominator).rjust(places + 1, "0")
    return _decimal(f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}")


def _without_factor(number: int, factor: int) -> tuple[int, int]:
    count = 0
    while number % factor == 0:
        number, count = number // factor, count + 1
    return number, count
