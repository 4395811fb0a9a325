r"""Numbers that a short span of text states: each is read whole, and numbers that belong together are one claim.

Numbers that stand together are one claim with one value or none:

- two numbers have no value: "5 or 6", "5, 6", "5 to 7", "5-7", "12 apples and 3 pears", "2 h 30 min", ``3:30``,
  ``1:3``, dates, two numbers with only a space or symbol between them, "3 remainder 2", ``3 R2``;
- arithmetic without a result has none (``3 + 4``); an equation's value is its last side (``20 - 8 = 12``), or the side
  that is a plain number where the last is not (``42 = 40 + 2``); two different plain numbers have none (``2 = 3``);
- algebra has none: ``2x = 10``, ``x + 3 = 7``, ``a + b = 7``; a plain name has (``x = 5``);
- a number that goes on has none: ``1e3``, ``12:30``, ``2^3``, ``5k``, ``2x``, ``1st``, ``0.333...``, "5?", ``5 + x``.

Units after a number are ignored (``12cm``, ``60 km/h``, ``5-year``, degrees); single letters only if they are common
units.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from noisy_student.answers.normalize import CURRENCY, NUMBER, SIGN_WORDS, signed, value_of
from noisy_student.answers.plain import MINUS

MAX_GAP = 48
"""Longest text between two numbers of one claim, in characters."""
UNIT_LETTERS = "mgLlshdWVFC"
"""Single letters that are read as units; others (``5k``, ``5x``, ``5M``) scale, name or may mean anything."""


class Claim(NamedTuple):
    """Numbers that belong together: their value and surface; ``end`` is behind the last one that counts."""

    value: str | None
    start: int
    end: int
    size: int


class _Token(NamedTuple):
    value: str | None
    start: int
    end: int
    computed: bool
    """Whether the notation is arithmetic too (``12/4``, ``3 x 10^5``)."""


_TOKEN = re.compile(rf"(?:(?<![A-Za-z0-9_])|(?<=[0-9][xX])){NUMBER}", re.IGNORECASE)

_MONTHS = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?"
)
_LETTERS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02bb\u02bd-\u02ff\u0370-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u0963"
    "\u0971-\u09e5\u09f0-\u1fff\u3041-\u30fa\u4e00-\u9fff\uac00-\ud7af"
)
_HAN = "[\u3041-\u30fa\u3400-\u9fff\uac00-\ud7af]"
_WORD = (
    f"(?:[A-Za-z\xb0%\xa2\u20ac\xa3${_LETTERS}][A-Za-z'\u2019.\xb2\xb3{_LETTERS}-]*"
    "(?:/[A-Za-z]+)*(?:\\^\\{?[0-9]\\}?)?)"
)
_UNITS = rf"(?:[ -]?{_WORD}(?: {_WORD}){{0,4}})?"
_OPEN = "[ *_(\\[{\"'\u201c\u2018]*"
_CLOSE = "[ *_)\\]}\"'\u201d\u2019]*"
_NAMES = r"(?:\\?[A-Za-z][A-Za-z_{}]{0,12}(?: [A-Za-z]{1,12}){0,3} ?= ?)*"
_SIGNED = rf"[{MINUS}+]? ?(?:{CURRENCY} ?)?[{MINUS}+]?"
_AND = (
    "and/or|and|or|to|through|thru|till|until|versus|vs\\.?|nor|out of|by|y|o|und|oder|et|ou|e|hasta|bis|dan|atau"
    "|sampai|\xe0|\u0438|\u0438\u043b\u0438|\u0434\u043e|i|ve|och|og|lub|eller|veya|tot|ho\u1eb7c|hay|v\xe0"
    "|\u092f\u093e|\u0914\u0930|\u098f\u09ac\u0982|\u09ac\u09be|\u0623\u0648|\u0648|\ub610\ub294|\ubc0f"
    "|remainder|rem\\.?|with (?:a )?remainder(?: of)?|mod|choose|r|R"
)
_MAYBE = "(?:(?:maybe|perhaps|possibly|about|approximately|around|another|even|also|up to|at most|at least|the) )*"
_COMPOUND = (
    "h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|days?|weeks?|months?|years?|yrs?|ft|feet|foot|inch(?:es)?|yards?"
    "|miles?|km|cm|mm|met(?:er|re)s?|kg|g|grams?|pounds?|lbs?|oz|ounces?|dollars?|cents?|thousand|million|billion"
    "|hundred|dozen|degrees?|'|\"|\u2032|\u2033|\xb0|St(?:unden?|d)?|Minuten|heures?|horas?|minutos?"
)
_OPERATION = rf"[{MINUS}+*/\xd7\xb7\xf7\u22c5xX^]|\*\*|plus|minus|times|multiplied by|divided by"
_SYMBOL = (
    rf"[^{MINUS}\w\s.!?()\[\]{{}}*\"'\u2018-\u201f\xab\xbb#$\\/\u3002\u0964\u06d4\uff01\uff1f\uff08\uff09"
    r"<>=\u2248+\xd7\xb7\xf7\u22c5^]"
)
"""A sign that is neither a bracket, a quotation mark, a sentence's end nor an operation of arithmetic."""
_GAP = re.compile(
    r"(?P<blank>\s*)"
    rf"|(?P<join>{_UNITS}{_CLOSE}(?:(?:[,;] ?| ?[(\[])?(?<![A-Za-z])(?:{_AND}) |[,;&:~\u2026|\u2192]|\.{{2,3}}|->|=>"
    r"|\+/-"
    r"|\u548c|\u6216|\u5230|\u81f3|\u6216\u8005|\u3068|\u304b|\u3001|\uff0c|:)"
    rf"[ \xa0]?{_MAYBE}{_OPEN}{_NAMES}{_SIGNED}{_OPEN}"
    rf"| ?(?:{_SYMBOL}|\u215f){{1,3}} ?"
    rf"|{_HAN}{{1,4}} ?)"
    rf"|(?P<compound> ?(?:{_COMPOUND})\.?,? ?|,? (?:of )?(?:{_MONTHS})\.?,? )"
    rf"|(?P<equals>{_UNITS}{_CLOSE} ?(?:=|==|:=|\u2248) ?{_OPEN}{_NAMES}{_SIGNED}{_OPEN})"
    rf"|(?P<is>{_UNITS}{_CLOSE},? (?:which )?(?:is equal to|equals?|is|gives|makes|yields) {_OPEN}{_SIGNED}{_OPEN})"
    rf"|(?P<arithmetic>{_UNITS}{_CLOSE} ?(?:{_OPERATION}) ?{_OPEN}{_SIGNED}{_OPEN}|\)?\()"
    rf"|(?P<of>{_UNITS}{_CLOSE} of {_OPEN}{_SIGNED}{_OPEN})"
    r"|(?P<word> [^\W\d_]{1,15} )"
)
_BETWEEN = re.compile(
    "about|above|across|after|along|altogether|are|as|at|because|before|below|beyond|but|by|despite|during"
    "|each|excluding|for|from|given|had|has|have|if|in|including|inside|into|is|left|less|like|minus|not"
    "|on|once|only|over|plus|since|so|than|that|then|through|times|total|under|until|upon|using|via|was|we"
    "|were|when|where|which|while|with|within|without|worth|yet|you|apr\xe8s|aus|avant|avec|bei|car|com"
    "|comme|con|dans|de|depois|desde|despu\xe9s|di|durante|em|en|f\xfcr|ist|mit|nach|para|per|por|porque"
    "|pour|puis|sans|sin|sobre|sur|von|weil|zu|dalam|dari|karena|pada|setelah|untuk"
    "|\u043f\u043e\u0441\u043b\u0435|\u0437\u0430|\u0438\u0437|\u043d\u0430|\u043f\u043e"
    "|\u0447\u0435\u0440\u0435\u0437|\u0434\u043b\u044f|i\xe7in|sonra"
)
"""Words between two numbers that make no claim of both: "42 after 3 days" is 42, "3 euros 50" is neither."""
_OPERATOR = re.compile(r"[-+*/\xd7\xb7\xf7\u22c5^=\u2248\u2212]")
_LETTER = re.compile(r"(?<![A-Za-z'\u2019])[A-Za-z](?![A-Za-z'\u2019])")
_ALGEBRA = re.compile(rf"{_UNITS} ?[-+*/\xd7\xb7\u22c5^\u2212] ?[A-Za-z](?![A-Za-z]).*=.*")
_MORE = re.compile(r" (?:more|less|fewer|greater|higher|times|steps?|ways|of (?:them|which|these|those))\b")

_PARTS = (
    "(?:hal(?:f|ves)|(?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth|thousandth|millionth)s)"
    "(?![A-Za-z])"
)
"""Parts in words after a number: "3 tenths" is no 3; quarters may be coins."""
_GOES_ON = re.compile(
    r"[\^_\\{?\u221a\u03c0\u2060-\u206f\u202d\u202e]"
    r"|(?:[^\w\s()\[\]{}*<>$!?=]|[\u02bc\u066c\u1680])[0-9]|[ _]?[Rr] ?[0-9]"
    rf"|[ -]?(?:{_PARTS}|(?:mil|bin|cr|arab|squared|cubed|factorial|pi|base)(?![A-Za-z]))"
    "| ?[\ub9cc\uc5b5\ucc9c\uc870\ubc31](?=[\\s\uc6d0\uba85\uac1c.,]|$)|\u767e(?!\u5206)|\uff0f"
    r"|(?:st|nd|rd|th|[\xaa\xba](?! ?[CF]))(?![A-Za-z])"
    rf"|(?![{UNIT_LETTERS}])[A-Za-z](?![A-Za-z'\u2019])|[A-Za-z]++[0-9_]"
    r"| [kKMBbxyzn](?![A-Za-z'\u2019])"
    r"|[\u2070\xb9\xb2\xb3\u2074-\u2079\u2080-\u209c\u2460-\u24ff\u2776-\u2793]|\ufe0f?\u20e3"
    r"|[+*#@~](?!\*)|\((?=[0-9])|/(?![A-Za-z]{2}|[hsdml](?![A-Za-z]))"
    r"|[-\u2212\u2013\u2014](?![A-Za-z\s]|$)"
    r"|(?![0-9])\d"
    r"| ?\\(?!text|mathrm|mbox)| ?[\u221a\u03c0\xb1\u2264\u2265\u2260<>](?![/A-Za-z|])"
    r"| ?[+\xd7\xb7\xf7\u22c5*/^](?=\s*[\w(\\$])| ?[-\u2212\u2013] ?[A-Za-z](?![A-Za-z'\u2019])"
)
_NUMBER_WORD = (
    "(?:an? |one |three )?(?:half|quarters?|thirds?)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    "|twenty|thirty"
)
_IN_WORDS = re.compile(
    rf"(?: [A-Za-z]+)?(?: (?:and|or|to)|,) (?:{_NUMBER_WORD})(?![A-Za-z])(?! (?:of|more|less|fewer))"
    r"| ?dozens?(?![A-Za-z])"
)
"""A second number in words, or a scale that some questions count in ("2 dozen" may be 2 or 24)."""
_SIGN_BEFORE = re.compile(
    rf"(?P<sign>[{MINUS}+]|(?<![^\W\d_])(?:{SIGN_WORDS}))?(?P<gap> {{0,2}})"
    rf"(?:(?P<money>{CURRENCY} ?)(?P<inner>[{MINUS}+])?)?$",
    re.IGNORECASE,
)
_SCALED_MONEY = re.compile(" ?[mMkKbBtT](?![A-Za-z'\u2019])")
_BEFORE = 24
"""Characters before a number that decide about its sign."""
_SIGNS = ("-", "+", "\u2212")
_OPENERS = " _([{\"'\u201c\u2018$"
_DATE = re.compile(rf"(?<![A-Za-z])(?:{_MONTHS})\.?$")
_UNKNOWN = re.compile(
    r"[/\xd7\xb7\xf7\u22c5^\\\xb1\u2264\u2265\u2260<\u221a\u202d\u202e\u2061-\u2064\u215f]$|(?<!^)(?<![-=>])(?<!<br)(?<!</[a-z])(?<!<[a-z])>$"
)
_SYMBOLS = ("Pd", "Sm")
_HARMLESS = re.compile(
    "[\u2190-\u21ff\u2219\u2234\u2235\u2243\u2245\u2248\u2252\u2261\u27f0-\u27ff\u2900-\u297f\uff1d]$"
)
"""Arrows, signs of "therefore" and of near equality; other dashes and symbols of mathematics change a number."""
_FUNCTION = re.compile(
    r"\\(?:sqrt|[dt]?frac|log|ln|sin|cos|tan|pi|leq?|geq?|lt|gt|neq?|binom|overline|sum|prod|lfloor|lceil)[ {(\[]*$"
    r"|(?<![A-Za-z])[A-Za-z]\($"
)
_SUM_OF_NAMES = re.compile(r"[-+*/\xd7\xb7\u2212^] ?[A-Za-z] ?=$")
_VERB = re.compile(r"(?<![A-Za-z])(?:is|are|was|be|equals|by)$")
_VARIABLE = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|[)\]}%])$")


def claims(text: str, *, bullets: bool = False) -> list[Claim]:
    """Return the claims of a span in plain notation, in order.

    With ``bullets``, a dash and a space at the start are a list's mark, not a minus sign.

    >>> [claim.value for claim in claims("12 apples and 3 pears; so 6 * 7 = 42, in 5 days")]
    [None, '42', '5']
    """
    tokens = [
        _Token(value_of(found), found.start(), found.end(), found["decimal"] is None) for found in _TOKEN.finditer(text)
    ]
    if len(tokens) == 1:
        return [Claim(_value(text, tokens, (), bullets), tokens[0].start, tokens[0].end, 1)]
    kinds = [_kind(text, one, other) for one, other in zip(tokens, tokens[1:], strict=False)]
    found, first = [], 0
    for last in range(len(tokens)):
        if last + 1 == len(tokens) or kinds[last] == "apart":
            found += _split(text, tokens[first : last + 1], kinds[first:last], bullets)
            first = last + 1
    return found


def _kind(text: str, one: _Token, other: _Token) -> str:
    """Return what stands between two numbers, ``apart`` where they do not belong together."""
    gap = text[one.end : other.start]
    if len(gap) > MAX_GAP:
        return "apart"
    if gap in (" a ", " per ", " for every ") or (gap == " in " and _is_chance(text, one, other)):
        return "join"
    match = _GAP.fullmatch(gap)
    if match is None:
        return "algebra" if _ALGEBRA.fullmatch(gap) else "apart"
    kind = match.lastgroup or "blank"
    if kind == "join" and gap.rstrip()[-1:] in ",;" and _MORE.match(text, other.end):
        return "apart"
    if kind in ("equals", "arithmetic") and _is_algebra(gap):
        return "algebra"
    return kind


def _is_chance(text: str, one: _Token, other: _Token) -> bool:
    """Return whether "1 in 3" is a ratio; "42 in 3 steps" is 42."""
    at_end = not text[other.end :].strip(" .)*")
    return one.value == "1" or (at_end and _less(one.value, other.value))


def _less(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and Fraction(one) < Fraction(other)


def _is_algebra(gap: str) -> bool:
    operator = _OPERATOR.search(gap)
    left = gap[: operator.start()] if operator else ""
    return any(
        letter[0] not in UNIT_LETTERS or not gap.lstrip().startswith(letter[0]) for letter in _LETTER.finditer(left)
    )


def _split(text: str, tokens: Sequence[_Token], kinds: Sequence[str], bullets: bool) -> list[Claim]:
    """Split a run of numbers where "of" and "is" do not compute and between equations of prose; value each part."""
    settled = list(kinds)
    computed, equation = False, False
    for at in range(len(kinds) - 1, -1, -1):
        equation |= kinds[at] == "equals"
        if kinds[at] == "of":
            settled[at] = "arithmetic" if equation else "join" if bullets else "apart"
    for at, kind in enumerate(settled):
        if kind == "word":
            word = text[tokens[at].end : tokens[at + 1].start].strip().lower()
            settled[at] = kind = "apart" if bullets or _BETWEEN.fullmatch(word) else "join"
        if kind == "is":
            settled[at] = kind = "equals" if computed or tokens[at].computed else "apart"
        computed = kind == "arithmetic" or (computed and kind not in ("apart", "equals", "join"))
    equation = False
    for at in range(len(settled) - 1, -1, -1) if bullets else ():
        if settled[at] == "join":  # In prose, an equation behind a comma or "and" is a statement of its own.
            settled[at], equation = "apart" if equation else "join", False
        equation |= settled[at] == "equals"
    found, first = [], 0
    for last in range(len(tokens)):
        if last + 1 == len(tokens) or settled[last] == "apart":
            part = tokens[first : last + 1]
            value = _value(text, part, settled[first:last], bullets)
            found.append(Claim(value, part[0].start, part[-1].end, len(part)))
            first = last + 1
    return found


def _value(text: str, tokens: Sequence[_Token], kinds: Sequence[str], bullets: bool) -> str | None:
    """Return the value of numbers that belong together; None where they are several, unknown or unfinished."""
    last = tokens[-1]
    if any(kind not in ("equals", "arithmetic") for kind in kinds) or _GOES_ON.match(text, last.end):
        return None
    if _IN_WORDS.match(text, last.end):
        return None
    if text.startswith(("..", "\u2026"), last.end) and "." in text[last.start : last.end]:
        return None
    first, equation = tokens[0], "equals" in kinds
    sides, side = [], [first]
    for token, kind in zip(tokens[1:], kinds, strict=True):
        if kind == "equals":
            sides.append(side)
            side = []
        side.append(token)
    sides.append(side)
    values = []
    for side in sides:
        if len(side) == 1:
            sign = (
                _sign(text, side[0], bullets and side[0] is first, equation)
                if side[0] is first
                else _glued(text, side[0])
            )
            if sign is None:
                return None
            values.append(signed(side[0].value, negative=sign < 0))
        elif side[0] is first and _sign(text, first, bullets, equation) is None:
            return None
    plain = {value for side, value in zip(sides[:-1], values, strict=False) if len(side) == 1 and not side[0].computed}
    if len(sides[-1]) > 1:
        return plain.pop() if len(plain) == 1 and len(values) == 1 else None
    return values[-1] if plain <= {values[-1]} else None


def _glued(text: str, token: _Token) -> int:
    """Return the sign of a number behind an equals sign."""
    before = _SIGN_BEFORE.search(text, max(0, token.start - 16), token.start)
    written = "" if before is None else (before["sign"] or "") + (before["inner"] or "")
    return -1 if written.strip("+") else 1


def _sign(text: str, token: _Token, bullets: bool, equation: bool) -> int | None:
    """Return 1 or -1, or None if what stands before a claim's first number makes its value unknown."""
    begin = max(0, token.start - _BEFORE)
    match = _SIGN_BEFORE.search(text, begin, token.start)
    assert match is not None  # Every group is optional.
    before = text[begin : match.start()]
    if match["money"] and _SCALED_MONEY.match(text, token.end):
        return None
    if (before[-1:] == "." and before[-2:-1].isdigit()) or _FUNCTION.search(before):
        return None
    head = before.rstrip(_OPENERS)
    if (match["sign"] and before[-1:] in _SIGNS) or (head != before and head[-1:] in _SIGNS):
        return None
    if head[-1:] == "*" and (head := head.rstrip(" *")):
        return None
    if head and not head[-1].isascii() and unicodedata.category(head[-1]) in _SYMBOLS and not _HARMLESS.search(head):
        return None
    if _DATE.search(head) or _UNKNOWN.search(head) or _SUM_OF_NAMES.search(head):
        return None
    if match["sign"] and match["inner"]:
        return None
    sign = match["sign"] or match["inner"]
    if sign is None:
        return 1
    value = 1 if sign == "+" else -1
    if sign.lower() == "negative" or _VERB.search(head):
        return value
    spaced = sign == match["sign"] and bool(match["gap"])
    if not head or head[-1] in "=:\u2248\uff1a" or head[-1] >= "\u2e80":
        return 1 if spaced and bullets and not head and len(sign) == 1 else value
    if equation or len(sign) > 1 or _VARIABLE.search(head):
        return None
    if spaced:
        return None if sign == "+" else 1
    if before[-1:].isalnum():  # A hyphen glued to a word makes a name; a longer dash ends a clause.
        return 1 if sign in "\u2013\u2014" else None
    return None if sign == "\u2014" else value


def joined(gap: str) -> bool:
    """Return whether the text between two numbers makes them one claim of two numbers."""
    match = _GAP.fullmatch(gap)
    return match is not None and match.lastgroup in (None, "blank", "join", "compound")
