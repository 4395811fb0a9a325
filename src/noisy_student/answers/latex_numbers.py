r"""Numbers written in LaTeX, each as its plain canonical form: exact, without algebra, bounded by ``MAX_DIGITS``.

Read: fractions with signs inside, mixed numbers (``1\frac{1}{2}``), powers of ten (``3\cdot10^5``, ``1e6``), recurring
decimals (``0.\overline{3}``, ``0.333\ldots``) and groups of three digits after a thin space (``1\,234``). A number
with a subscript (``101_2``) is read by ``based``. Expects the notation that ``latex`` has made plain.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from fractions import Fraction

from noisy_student.answers.normalize import canonical_number

MAX_DIGITS = 60
"""Most digits of a power of ten or a period that is written out."""

_GROUPS = re.compile(r"(?<![0-9.,^_ ])(?<![.,^_] )(?<![0-9] )[1-9][0-9]{0,2}(?: [0-9]{3})++(?![0-9]| [0-9])(?!,[0-9])")
_SLASHED = re.compile(r"(?<![0-9.,^_/] )(?<![0-9.,^_/])([0-9]{1,9}) +([0-9]{1,9}) ?/ ?([0-9]{1,9})(?![0-9.,/^]| [0-9])")
_WITH_PART = re.compile(r"(?<![0-9.,^_/}])([0-9]{1,9}) ?\\frac\{([0-9]{1,9})\}\{([0-9]{1,9})\}(?!\^)")
_SIGNED = re.compile(r"(?P<sign>[-+]?)\\frac\{(?P<a>[-+]?[0-9]{1,18})\}\{(?P<b>[-+]?[0-9]{1,18})\}")
_DECIMAL = r"(?:[0-9]{1,60}(?:\.[0-9]{1,60})?|\.[0-9]{1,60})"
_POWER = re.compile(
    rf"(?P<sign>[-+]?)(?:(?P<e>{_DECIMAL})[eE]|(?:(?P<a>{_DECIMAL})\\cdot ?)?10\^)"
    r"(?:\{(?P<braced>[-+]?[0-9]{1,3})\}|(?P<bare>(?(e)[-+]?[0-9]{1,3}|[0-9])))"
)
_BAR = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>[0-9]{0,30})\.(?P<fixed>[0-9]{0,30})"
    r"\\(?:overline|bar|dot)(?:\{(?P<period>[0-9]{1,30})\}|(?P<digit>[0-9]))"
)
_DOTS = re.compile(r"(?P<sign>[-+]?)(?P<whole>[0-9]{0,30})\.(?P<digits>[0-9]{3,60})\\ldots")
_BASED = re.compile(
    r"(?P<sign>-?)(?P<digits>[0-9A-Za-z]{1,40})_(?:\{(?P<braced>[0-9]{1,2}|[a-z]{3,7})\}|(?P<bare>[0-9]))"
)
_BASE_NAMES = {
    **{"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"twelve": 12, "sixteen": 16},
}
_DIGITS = string.digits + string.ascii_uppercase


def joined_groups(text: str) -> str:
    """Join groups of three digits that single spaces separate; two numbers of other lengths stay apart.

    >>> joined_groups("1 234 567"), joined_groups("12 34"), joined_groups("1 23")
    ('1234567', '12 34', '1 23')
    """
    return _GROUPS.sub(lambda match: match[0].replace(" ", ""), text)


def improper(text: str) -> str:
    r"""Write each mixed number as one fraction; a part of one or more (``2\frac{3}{2}``) may be a product and stays.

    >>> improper("1 1/2"), improper(r"1\frac{1}{2}\pi"), improper(r"2\frac{3}{2}")
    ('\\frac{3}{2}', '\\frac{3}{2}\\pi', '2\\frac{3}{2}')
    """
    return _WITH_PART.sub(_one_fraction, _SLASHED.sub(_one_fraction, text))


def _one_fraction(match: re.Match[str]) -> str:
    whole, above, below = int(match[1]), int(match[2]), int(match[3])
    return f"\\frac{{{whole * below + above}}}{{{below}}}" if above < below else match[0]


def latex_number(text: str) -> str | None:
    r"""Return the canonical form of a number in plain notation, or None for anything else.

    >>> latex_number(r"\frac{-3}{4}"), latex_number(r"3\cdot10^5"), latex_number(r"0.1\overline{6}")
    ('-0.75', '300000', '1/6')
    """
    number = canonical_number(text)
    if number is not None:
        return number
    for pattern, reader in _READERS:
        if match := pattern.fullmatch(text):
            value = reader(match)
            return None if value is None else _canonical(-value if match["sign"] == "-" else value)
    return None


def based(text: str) -> tuple[Fraction, int] | None:
    """Return value and base of a number with a subscript, or None where its digits do not exist in that base.

    >>> based("101_2"), based("FF_{16}"), based("13_3"), based("x_2")
    ((Fraction(5, 1), 2), (Fraction(255, 1), 16), None, None)
    """
    match = _BASED.fullmatch(text)
    if match is None:
        return None
    name = match["braced"] or match["bare"]
    base = _BASE_NAMES.get(name) or (int(name) if name.isdigit() else 0)
    digits = match["digits"].upper()
    # A lone letter, or small letters, with a subscript are a variable.
    if not digits.isdigit() and (base <= 10 or match["digits"] != digits or len(digits) < 2):
        return None
    if not 2 <= base <= 36 or any(_DIGITS.index(digit) >= base for digit in digits):
        return None
    value = int(digits, base)
    return Fraction(-value if match["sign"] else value), base


def _fraction(match: re.Match[str]) -> Fraction | None:
    below = int(match["b"])
    return Fraction(int(match["a"]), below) if below else None


def _power(match: re.Match[str]) -> Fraction | None:
    exponent = int(match["braced"] or match["bare"])
    if abs(exponent) > MAX_DIGITS:
        return None
    # The exponent is bounded, so that no power is huge.
    return Fraction(match["e"] or match["a"] or "1") * Fraction(10) ** exponent


def _barred(match: re.Match[str]) -> Fraction:
    return _recurring(match["whole"], match["fixed"], match["period"] or match["digit"])


def _dotted(match: re.Match[str]) -> Fraction | None:
    """Read a decimal with dots if its digits show their period: one digit three times, or a block from the point on."""
    digits = match["digits"]
    if digits[-1] == digits[-2] == digits[-3]:
        return _recurring(match["whole"], digits.rstrip(digits[-1]), digits[-1])
    for length in range(2, len(digits) // 2 + 1):
        if digits == (digits[:length] * len(digits))[: len(digits)]:
            return _recurring(match["whole"], "", digits[:length])
    return None


def _recurring(whole: str, fixed: str, period: str) -> Fraction:
    start = Fraction(int(f"{whole or 0}{fixed}"), 10 ** len(fixed))
    return start + Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed))


def _canonical(value: Fraction) -> str | None:
    sign = "-" if value < 0 else ""
    if value.denominator == 1:
        return canonical_number(f"{sign}{abs(value.numerator)}")
    return canonical_number(f"{sign}{abs(value.numerator)}/{value.denominator}") or _decimal(value)


def _decimal(value: Fraction) -> str | None:
    """Write out a decimal whose fraction has more digits than ``normalize`` reads; None if it does not end."""
    places = next((places for places in range(MAX_DIGITS * 2) if not 10**places % value.denominator), None)
    if places is None:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return canonical_number(f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}")


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Fraction | None]], ...] = (
    (_SIGNED, _fraction),
    (_POWER, _power),
    (_BAR, _barred),
    (_DOTS, _dotted),
)
