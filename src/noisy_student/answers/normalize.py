r"""Canonical form of written numbers: one string per value, exact, without floats and without computer algebra.

The canonical form is a plain decimal (``18``, ``-0.75``) or, where no decimal ends, a reduced fraction (``1/3``).

Read, each with an optional sign (any Unicode minus, "minus", "negative" in ten languages) and currency:

- decimals with groups: ``1,000`` ``12,50,000`` ``1 000`` ``1'000`` (also no-break, thin, figure and LaTeX spaces);
- fractions and mixed numbers: ``3/4`` ``3 / 4`` ``\frac34`` ``2 1/2`` ``2 and 1/2`` ``2\frac12``, vulgar fractions;
- powers of ten: ``3 x 10^5`` ``10^6`` (superscripts too); scale words: ``5 million``, hundred to quadrillion,
  lakh, crore and their kin in other languages;
- a percent sign, which is dropped as GSM8K's key does (``75%`` is 75).

A decimal that rounds a fraction with a denominator up to 1,000 to ten or more places is that fraction, and one of a
float's 16 to 17 digits is the fraction or shorter decimal of the same 15 digits: ``0.6666666667`` is 2/3,
``3244047.0999999996`` is 3244047.1, ``0.33`` is 0.33.

Not a number, so that no guess becomes a vote: ``1,00`` ``0,500`` ``1000,000`` (misplaced commas), ``1.000,00`` (decimal
commas), ``2-1/2``, ``1 3/2``, ``1.5/2``, ``3/0``, ``1_000``, ``0x10``, ``1e3``, ``2^3``, fullwidth and other non-ASCII
digits, ``nan``, ``inf``, expressions, and anything above the length caps below.
"""

from __future__ import annotations

import math
import re
import unicodedata
from fractions import Fraction

from noisy_student.answers.plain import MINUS, plain
from noisy_student.answers.thoughts import without_format

MAX_SURFACE = 100
"""Longest written number in characters; longer ones are runaway digits, not answers."""

MAX_FRACTION_DIGITS = 18
"""Most digits above and below a fraction line; the decimal of 10^18 over 2^59 still fits MAX_SURFACE characters."""

_SPACE = "[ \u00a0\u2007\u2009\u202f]"
_VULGAR = "\u00bc-\u00be\u2150-\u215e"
_SUPER = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"
_SLASH = f"{_SPACE}?[/\u2044\u2215]{_SPACE}?"
_INT = (
    f"(?:[1-9][0-9]?(?:,[0-9]{{2}}(?![0-9]))++,[0-9]{{3}}(?![0-9])"
    f"|[1-9][0-9]{{0,2}}(?:(?:,[0-9]{{3}})++|(?:{_SPACE}[0-9]{{3}}(?![0-9]))++|(?:['\u2019][0-9]{{3}})++)(?![0-9])|[0-9]++)"
)
_DECIMAL = rf"(?:{_INT}(?:\.[0-9]++)?+|\.[0-9]++)"
SCALES = {
    **{"hundred": 2, "thousand": 3, "lakh": 5, "million": 6, "mn": 6, "mln": 6, "crore": 7, "billion": 9, "bn": 9},
    **{"trillion": 12, "quadrillion": 15, "lac": 5, "tausend": 3, "mio": 6, "millionen": 6, "mrd": 9, "milliarden": 9},
    **{
        "mille": 3,
        "milliard": 9,
        "mill\xf3n": 6,
        "millones": 6,
        "milh\xe3o": 6,
        "milh\xf5es": 6,
        "mila": 3,
        "milioni": 6,
    },
    **{"miliardi": 9, "ribu": 3, "juta": 6, "miliar": 9, "milyon": 6, "milyar": 9, "ngh\xecn": 3, "ng\xe0n": 3},
    **{
        "tri\u1ec7u": 6,
        "t\u1ef7": 9,
        "\u0442\u044b\u0441": 3,
        "\u0442\u044b\u0441\u044f\u0447\u0430": 3,
        "\u0442\u044b\u0441\u044f\u0447\u0438": 3,
        "\u0442\u044b\u0441\u044f\u0447": 3,
        "\u043c\u043b\u043d": 6,
        "\u043c\u0438\u043b\u043b\u0438\u043e\u043d": 6,
    },
    **{
        "\u043c\u0438\u043b\u043b\u0438\u043e\u043d\u0430": 6,
        "\u043c\u0438\u043b\u043b\u0438\u043e\u043d\u043e\u0432": 6,
        "\u043c\u043b\u0440\u0434": 9,
        "\u043c\u0438\u043b\u043b\u0438\u0430\u0440\u0434\u043e\u0432": 9,
        "\u0939\u091c\u093e\u0930": 3,
        "\u0939\u091c\u093c\u093e\u0930": 3,
        "\u0932\u093e\u0916": 5,
        "\u0915\u0930\u094b\u0921\u093c": 7,
    },
    **{
        "\u09b9\u09be\u099c\u09be\u09b0": 3,
        "\u09b2\u09be\u0996": 5,
        "\u09b2\u0995\u09cd\u09b7": 5,
        "\u0995\u09cb\u099f\u09bf": 7,
        "\u0623\u0644\u0641": 3,
        "\u0645\u0644\u064a\u0648\u0646": 6,
        "\u06c1\u0632\u0627\u0631": 3,
        "\u0644\u0627\u06a9\u06be": 5,
        "\u06a9\u0631\u0648\u0691": 7,
        "\u0647\u0632\u0627\u0631": 3,
    },
    **{"\u5343": 3, "\u4e07": 4, "\u842c": 4, "\u5104": 8, "\u4ebf": 8},
}
_HAN = "[\u4e07\u842c\u5104\u4ebf]|\u5343(?![\u514b\u7c73\u74e6\u5361])"
"""Scales of Chinese and Japanese, which are glued to the number; a thousand begins some units too (kilogram)."""
_SCALE = f"(?:{'|'.join(sorted(SCALES, key=len, reverse=True))})(?=s?(?![^\\W\\d_]))|{_HAN}"
NUMBER = (
    rf"(?:(?P<base>{_DECIMAL})(?:(?P<times>{_SPACE}?[\u00d7xX*\u00b7\u22c5]{_SPACE}?10)|(?<=(?<![0-9.,])10))"
    rf"(?:(?:\^|\*\*){_SPACE}?[{{(]?(?P<exponent>[-\u2212]?[0-9]{{1,2}})[)}}]?|(?P<super>\u207b?[{_SUPER}]{{1,2}}))(?![0-9{_SUPER}])"
    rf"|(?P<whole>[0-9]++)(?:(?:{_SPACE}| and | & )(?P<part>[0-9]++){_SLASH}(?P<of>[0-9]++)(?![0-9/]|\.[0-9])"
    rf"|{_SPACE}?(?P<glyph>[{_VULGAR}]))"
    rf"|(?P<lone>[{_VULGAR}])"
    rf"|(?P<above>{_INT}){_SLASH}(?P<below>{_INT})(?![0-9/]|\.[0-9])"
    rf"|(?P<decimal>{_DECIMAL}))"
    rf"(?:[ \u00a0-]?(?P<scale>{_SCALE})s?)?+"
)
"""Pattern of one written number without sign, currency and unit."""

CURRENCY = "(?:(?-i:[A-Z]{0,3})\\$|[\u20ac\xa3\xa5\u20b9\u20a9\u20bd\u20a6\u20b1\u20ab])"
SIGN_WORDS = (
    r"(?:minus|negative|(?<!al )(?<!au )(?<!pelo )(?<!lo )(?:menos|moins)"
    r"|\u043c\u0438\u043d\u0443\u0441|negativ[eo]|negatif|eksi|\xe2m)(?= )"
    "|[\u8d1f\u8ca0]|\u30de\u30a4\u30ca\u30b9|\uc74c\uc218(?= )"
)
SIGN = f"(?:[{MINUS}+]|(?:{SIGN_WORDS}) ?)"
_SURFACE = re.compile(
    rf"(?:(?P<sign>{SIGN})? ?(?:{CURRENCY} ?)?|{CURRENCY} ?(?P<inner_sign>{SIGN}))"
    rf"{NUMBER}(?: ?%| ?[$\u20ac\xa3\xa5\u20b9])?\.?",
    re.IGNORECASE,
)
_SIMPLE = re.compile("[0-9]++")
_FRACTION_PLACES = 10
_FLOAT_PLACES = 7
_FLOAT_DIGITS = 15
"""Significant digits that a double holds exactly; ``repr`` writes up to 17."""
_SHORT = 12
_DENOMINATOR = 1000


def canonical_number(surface: str) -> str | None:
    """Return the canonical form of a written number, or None if ``surface`` is no number by the rules above.

    >>> canonical_number("$1,000.00"), canonical_number("3/4"), canonical_number("2/6"), canonical_number("1e3")
    ('1000', '0.75', '1/3', None)
    """
    if len(surface) > 2 * MAX_SURFACE:
        return None
    surface = surface.strip()
    if len(surface) > MAX_SURFACE or "\\{" in surface:
        return None
    if _SIMPLE.fullmatch(surface):
        return surface.lstrip("0") or "0"
    match = _SURFACE.fullmatch(plain(without_format(surface)).strip())
    if match is None:
        return None
    return signed(value_of(match), negative=(match["sign"] or match["inner_sign"] or "+").strip() != "+")


def signed(value: str | None, *, negative: bool) -> str | None:
    """Return a canonical value with its sign; zero has none."""
    return f"-{value}" if negative and value not in (None, "0") else value


def value_of(match: re.Match[str]) -> str | None:
    """Return the canonical value of a match of ``NUMBER``, None where it has none."""
    decimal, scale = match["decimal"], match["scale"]
    if decimal is not None and scale is None:
        return _decimal(decimal)
    value = _exact(match)
    if value is None or scale is None:
        return None if value is None else _ratio(value)
    return _ratio(value * 10 ** SCALES[scale.lower()])


def _exact(match: re.Match[str]) -> Fraction | None:
    if (base := match["decimal"] or match["base"]) is not None:
        value = _number(base)
        power = match["exponent"] or match["super"]
        if value is None or power is None:
            return value
        if match["times"] is None:
            value = Fraction(1)
        return value * Fraction(10) ** int(unicodedata.normalize("NFKC", power).replace("\u2212", "-"))
    if match["above"] is not None:
        return _quotient(match["above"], match["below"])
    part = Fraction(0)
    if (glyph := match["glyph"] or match["lone"]) is not None:
        above, _, below = unicodedata.normalize("NFKC", glyph).partition("\u2044")
        part = Fraction(int(above), int(below))
    elif (quotient := _quotient(match["part"], match["of"])) is not None:
        part = quotient
    if not 0 < part < 1 or len(match["whole"] or "") > MAX_FRACTION_DIGITS:
        return None
    return int(match["whole"] or 0) + part


def _digits(text: str) -> str:
    return re.sub(f"[,'\u2019]|{_SPACE}", "", text)


def _number(text: str) -> Fraction | None:
    digits = _digits(text)
    return Fraction(digits) if len(digits) <= MAX_SURFACE else None


def _quotient(above: str, below: str) -> Fraction | None:
    above, below = _digits(above), _digits(below)
    if max(len(above), len(below)) > MAX_FRACTION_DIGITS or not int(below):
        return None
    return Fraction(int(above), int(below))


def _decimal(body: str) -> str | None:
    if len(body) > MAX_SURFACE:
        return None
    if body.isdigit():
        return body.lstrip("0") or "0"
    whole, _, part = _digits(body).partition(".")
    return _shortest(whole.lstrip("0") or "0", part.rstrip("0"))


def _ratio(value: Fraction) -> str | None:
    """Return a value as a plain decimal where one ends, else as a reduced fraction; None above the length cap."""
    rest, twos = _without_factor(value.denominator, 2)
    rest, fives = _without_factor(rest, 5)
    if rest != 1:
        above, below = str(value.numerator), str(value.denominator)
        return f"{above}/{below}" if max(len(above), len(below)) <= MAX_FRACTION_DIGITS else None
    places = max(twos, fives)
    digits = str(value.numerator * 10**places // value.denominator).rjust(places + 1, "0")
    if len(digits) >= MAX_SURFACE:
        return None
    whole = digits[: len(digits) - places]
    return _shortest(whole, digits[len(digits) - places :].rstrip("0"))


def _shortest(whole: str, part: str) -> str:
    """Return a decimal, or the simpler value that it rounds (see the module)."""
    written = f"{whole}.{part}" if part else whole
    if len(part) < _FLOAT_PLACES:
        return written
    digits = len((whole + part).lstrip("0"))
    value = Fraction(written)
    # A trailing zero of ten places is not written.
    rounded_to = [max(len(part), _FRACTION_PLACES)]
    is_float = _FLOAT_DIGITS < digits <= _FLOAT_DIGITS + 2
    if is_float:
        places = len(part) - (digits - _FLOAT_DIGITS)
        rounded = _rounded(value, places)
        if len(str(rounded).rstrip("0")) <= _SHORT:
            whole, _, part = _plain_decimal(rounded, places).partition(".")
            return _shortest(whole, part)
        rounded_to.append(places)
    # Two fractions below the bound differ by more than a hundred units of the last place.
    simple = value.limit_denominator(min(_DENOMINATOR, math.isqrt(10 ** max(min(rounded_to) - 2, 0))))
    equal = any(_rounded(simple, places) == _rounded(value, places) for places in rounded_to)
    return _ratio_text(simple) if equal or (is_float and float(simple) == float(written)) else written


def _rounded(value: Fraction, places: int) -> int:
    """Return the value in units of the last place, halves upwards."""
    scale: int = 10**places
    return (2 * value.numerator * scale + value.denominator) // (2 * value.denominator)


def _plain_decimal(units: int, places: int) -> str:
    digits = str(units).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    return f"{whole}.{part}" if part else whole


def _ratio_text(value: Fraction) -> str:
    rest, twos = _without_factor(value.denominator, 2)
    rest, fives = _without_factor(rest, 5)
    places = max(twos, fives)
    return _plain_decimal(_rounded(value, places), places) if rest == 1 else f"{value.numerator}/{value.denominator}"


def _without_factor(number: int, factor: int) -> tuple[int, int]:
    count = 0
    while number % factor == 0:
        number, count = number // factor, count + 1
    return number, count
