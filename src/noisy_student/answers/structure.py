r"""Structure of a canonical LaTeX answer: lists, sets, tuples, intervals, matrices, choices, equations.

``compared`` compares the parts of two answers of fitting structures; values without structure are left to a function
of the caller (algebra). A verdict is True, False, or None where it is unknown: the order matters in a tuple and not in
a set; an interval is open or closed; an inequality in one variable is an interval; an equation equals an equation, and
its value only where a lone variable stands on one side (``y=2x`` and ``2x``).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from noisy_student.answers.latex import has_variable, plain
from noisy_student.answers.latex_numbers import based
from noisy_student.answers.normalize import canonical_number

Verdict = bool | None
Algebra = Callable[[str, str], Verdict]
Kind = Literal[
    "choice", "text", "word", "set", "list", "tuple", "matrix", "named", "region", "relation", "value", "equation"
]

MAX_PARTS = 32
"""Most parts of a list, set, tuple or matrix; the parts of a longer one are not compared."""
_MAX_UNMATCHED = 8
"""Most parts without an equal text on the other side that are compared by value."""
_DEPTH = 4

_TOKEN = re.compile(r"\\begin\{[a-z]*+\}|\\end\{[a-z]*+\}|\\[A-Za-z]++|\\.|.", re.DOTALL)
_OPENERS = ("(", "[", "{", r"\{", r"\begin")
_CLOSERS = (")", "]", "}", r"\}", r"\end")
_CHOICE = re.compile(r"\((?P<letter>[A-J])\) (?P<value>.+)")
_LETTER = re.compile("[A-J]")
_WORDS = re.compile(r"[a-z]{2,}(?:[ -]?[a-z]+)*+")
_PRODUCT = re.compile("[xyz]{2,3}|[b-df-hj-np-tv-z]{2}")
"""Letters that are a product of variables rather than a word: ``xy`` and ``yx`` are equal, ``on`` and ``no`` differ."""
_SYMBOL = re.compile(r"(?:\\?[A-Za-z]|\\[A-Za-z]{2,})(?:_(?:[0-9A-Za-z]|\{[0-9A-Za-z]{1,6}\}))?")
_BUILDER = re.compile(rf"(?P<name>{_SYMBOL.pattern})(?:\\in ?\\mathbb\{{R\}})?[|:](?P<condition>.+)")
_UNREADABLE = re.compile(
    r"(?<!_)[0-9] +[0-9.]|\\ldots|:|[0-9][eE][-+]?[0-9]|[0-9]_[0-9{]|[A-F]_\{16\}|[0-9]\\frac|[<>]"
    r"|\\(?:leq|geq|neq|in)(?![A-Za-z])"
)
"""Notations that algebra would read as something else: two numbers side by side, ratios, dots, bases."""
_RELATIONS = {"<": ("<", False), ">": (">", False), r"\leq": ("<", True), r"\geq": (">", True), r"\neq": ("!", False)}
_CONSTANT_SETS = {r"\mathbb{R}", "(-\\infty,\\infty)"}


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; the ends are answers in plain notation."""

    low: str
    low_closed: bool
    high: str
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """An answer by its parts; ``names`` holds a choice's letter, a variable, or the names of named values."""

    kind: Kind
    text: str
    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    rows: int = 0


def compared(a: str, b: str, algebra: Algebra, depth: int = 0) -> Verdict:
    """Return whether two canonical answers are equal in value, None if unknown; ``algebra`` compares their values."""
    if a == b:
        return True
    if not a or not b or depth > _DEPTH:
        return None
    numbers = [canonical_number(text) for text in (a, b)]
    if None not in numbers:
        return numbers[0] == numbers[1]
    one, other = sorted((shape(a), shape(b)), key=lambda shape: (_ORDER[shape.kind], shape.text))
    if one.text == other.text:
        return True
    if max(len(one.parts), len(other.parts), len(one.intervals), len(other.intervals)) > MAX_PARTS:
        return None

    def same(x: str, y: str) -> Verdict:
        return compared(x, y, algebra, depth + 1)

    rule = _RULES.get((one.kind, other.kind))
    return rule(one, other, same, algebra) if rule else False


def is_choice(canonical: str) -> bool:
    """Return whether a canonical answer is a choice with its value, such as ``$(B) 42$``."""
    return _CHOICE.fullmatch(canonical.strip("$")) is not None


@functools.lru_cache(maxsize=1 << 14)
def shape(text: str) -> Shape:
    """Parse the structure of an answer in plain notation."""
    text = plain(text)
    if choice := _CHOICE.fullmatch(text):
        return Shape("choice", text, (choice["value"],), (choice["letter"],))
    if _WORDS.fullmatch(text) and not _PRODUCT.fullmatch(text):
        return Shape("word", text)
    if text == r"\emptyset":
        return Shape("set", text)
    for reader in (_region, _enclosed, _listed, _equation):
        found = reader(text)
        if found is not None:
            return found
    if _UNREADABLE.search(text) and based(text) is None:
        return Shape("text", text)
    return Shape("value", text)


def _split(text: str, separators: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the pieces of a text between separators outside of all brackets, and the separators."""
    pieces, found, depth, begin = [], [], 0, 0
    for token in _TOKEN.finditer(text):
        name = token[0].partition("{")[0] if token[0][:2] in (r"\b", r"\e") and "{" in token[0] else token[0]
        if name in _OPENERS:
            depth += 1
        elif name in _CLOSERS:
            depth -= 1
        elif depth == 0 and token[0] in separators:
            pieces.append(text[begin : token.start()].strip())
            found.append(token[0])
            begin = token.end()
    return [*pieces, text[begin:].strip()], found


def _bracketed(text: str) -> tuple[str, str, str] | None:
    """Return opening bracket, inside and closing bracket of a text that one pair encloses."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < 2 or tokens[0][0] not in ("(", "[", r"\{") or tokens[-1][0] not in (")", "]", r"\}"):
        return None
    depth = 0
    for token in tokens[:-1]:
        depth += (token[0] in _OPENERS) - (token[0] in _CLOSERS)
        if depth <= 0:
            return None
    return tokens[0][0], text[tokens[0].end() : tokens[-1].start()].strip(), tokens[-1][0]


def _region(text: str) -> Shape | None:
    """Parse intervals, their unions, and inequalities in one variable."""
    if text in _CONSTANT_SETS:
        return Shape("region", text, intervals=(Interval(r"-\infty", False, r"\infty", False),))
    pieces, unions = _split(text, (r"\cup", r"\lor"))
    if unions:
        shapes = [_region(piece) or _interval(piece) for piece in pieces]
        names = {name for found in shapes if found is not None for name in found.names}
        if None in shapes or len(names) > 1 or not all(found.intervals for found in shapes if found is not None):
            return None
        joined = tuple(interval for found in shapes if found is not None for interval in found.intervals)
        return Shape("region", text, names=tuple(names), intervals=joined)
    pieces, both = _split(text, (r"\land",))
    if len(pieces) == 2:
        return _both(text, _region(pieces[0]), _region(pieces[1]))
    return None if both else _inequality(text)


def _inequality(text: str) -> Shape | None:
    """Parse ``x<2``, ``2<x``, ``1\\leq x<2`` and ``x\\neq2``."""
    sides, signs = _split(text, tuple(_RELATIONS))
    found = [_RELATIONS[sign] for sign in signs]
    if len(found) == 1 and _SYMBOL.fullmatch(sides[1]) and not _SYMBOL.fullmatch(sides[0]):
        sides, found = sides[::-1], [({"<": ">", ">": "<", "!": "!"}[found[0][0]], found[0][1])]
    if len(found) == 2 and found[0][0] == found[1][0] == ">":
        sides, found = sides[::-1], [("<", found[1][1]), ("<", found[0][1])]
    low, high = r"-\infty", r"\infty"
    if len(found) == 2 and found[0][0] == found[1][0] == "<" and _SYMBOL.fullmatch(sides[1]):
        name, intervals = sides[1], [Interval(sides[0], found[0][1], sides[2], found[1][1])]
    elif len(found) == 1 and _SYMBOL.fullmatch(sides[0]):
        (sign, closed), (name, value) = found[0], sides
        intervals = [Interval(low, False, value, closed)] if sign != ">" else []
        intervals += [Interval(value, closed, high, False)] if sign != "<" else []
    elif found:
        return Shape("relation", text)
    else:
        return None
    if any(has_variable(end) for interval in intervals for end in (interval.low, interval.high)):
        return Shape("relation", text)
    return Shape("region", text, names=(name,), intervals=tuple(intervals))


def _both(text: str, one: Shape | None, other: Shape | None) -> Shape | None:
    """Intersect a lower and an upper bound of one variable."""
    if one is None or other is None or one.names != other.names or not len(one.intervals) == len(other.intervals) == 1:
        return None
    (a,), (b,) = one.intervals, other.intervals
    if a.low == r"-\infty":
        a, b = b, a
    if a.high != r"\infty" or b.low != r"-\infty":
        return None
    return Shape("region", text, names=one.names, intervals=(Interval(a.low, a.low_closed, b.high, b.high_closed),))


def _interval(text: str) -> Shape | None:
    """Parse two ends in round or square brackets."""
    inside = _bracketed(text)
    ends = _split(inside[1], (",",))[0] if inside else []
    if inside is None or len(ends) != 2 or r"\{" in (inside[0], inside[2]):
        return None
    interval = Interval(plain(ends[0]), inside[0] == "[", plain(ends[1]), inside[2] == "]")
    return Shape("region", text, intervals=(interval,))


def _listed(text: str) -> Shape | None:
    """Parse values between commas, ``x=1,y=2``, and both signs of ``\\pm``."""
    pieces, commas = _split(text, (",", ";"))
    if commas and all(pieces):
        sides = [_split(piece, ("=",))[0] for piece in pieces]
        if all(len(side) == 2 and _SYMBOL.fullmatch(side[0]) for side in sides):
            return Shape("named", text, tuple(side[1] for side in sides), tuple(side[0] for side in sides))
        return Shape("list", text, tuple(both for piece in pieces for both in _signs(piece)))
    signs = _signs(text)
    return Shape("list", text, signs) if len(signs) > 1 and "=" not in text else None


def _signs(text: str) -> tuple[str, ...]:
    r"""Return the two values of a text with one ``\pm``."""
    if len(re.findall(r"\\(?:pm|mp)(?![A-Za-z])", text)) != 1:
        return (text,)
    return tuple(re.sub(r"\\(?:pm|mp) ?", sign, text).removeprefix("+") for sign in "+-")


def _enclosed(text: str) -> Shape | None:
    """Parse a set, a tuple or a matrix."""
    if text.startswith(r"\begin{matrix}") and text.endswith(r"\end{matrix}"):
        body = text[len(r"\begin{matrix}") : -len(r"\end{matrix}")].strip().removesuffix("\\\\")
        rows = [_split(row, ("&",))[0] for row in _split(body, ("\\\\",))[0]]
        cells = tuple(cell for row in rows for cell in row)
        return Shape("matrix", text, cells, rows=len(rows)) if len({len(row) for row in rows}) == 1 else None
    found = _bracketed(text)
    if found is None:
        return None
    opened, inside, closed = found
    parts = tuple(_split(inside, (",", ";"))[0])
    if opened == r"\{":
        if builder := _BUILDER.fullmatch(inside):
            return _region(builder["condition"])
        return Shape("set", text, tuple(both for part in parts if part for both in _signs(part)))
    if len(parts) > 1:
        return Shape("tuple", text, parts, names=(opened, closed))
    return shape(parts[0]) if (opened, closed) == ("(", ")") and parts[0] else None


def _equation(text: str) -> Shape | None:
    sides, signs = _split(text, ("=",))
    if len(signs) != 1 or not all(sides):
        return None
    lone = next((k for k in (0, 1) if _SYMBOL.fullmatch(sides[k]) and not _holds(sides[1 - k], sides[k])), None)
    return Shape("equation", text, tuple(sides), () if lone is None else (sides[lone], sides[1 - lone]))


def _holds(text: str, name: str) -> bool:
    return any(token[0] == name for token in _TOKEN.finditer(text))


def _all(verdicts: Sequence[Verdict]) -> Verdict:
    return False if False in verdicts else None if None in verdicts else True


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    return True if True in verdicts else None if None in verdicts else False


Same = Callable[[str, str], Verdict]


def _in_order(a: Sequence[str], b: Sequence[str], same: Same) -> Verdict:
    return _all([same(x, y) for x, y in zip(a, b, strict=True)]) if len(a) == len(b) else False


def _in_any_order(a: Sequence[str], b: Sequence[str], same: Same) -> Verdict:
    """Match each part of ``a`` with another of ``b``: equal texts first, which need no algebra."""
    if len(a) != len(b):
        return False
    here, there = Counter(a), Counter(b)
    waiting, left = list((here - there).elements()), list((there - here).elements())
    if len(waiting) > _MAX_UNMATCHED:
        return None
    unknown = False
    for part in waiting:
        verdicts = [same(part, other) for other in left]
        if True in verdicts:
            left.pop(verdicts.index(True))
        elif None in verdicts:
            unknown = True
        else:
            return False
    return None if unknown else True


def _as_sets(a: Sequence[str], b: Sequence[str], same: Same) -> Verdict:
    """Find each part of one in the other."""
    here, there = sorted({*a} - {*b}), sorted({*b} - {*a})
    if max(len(here), len(there)) > _MAX_UNMATCHED:
        return None
    if bool(a) != bool(b):
        return False
    found = [_any([same(part, other) for other in sorted({*b})]) for part in here]
    return _all(found + [_any([same(part, other) for other in sorted({*a})]) for part in there])


def _regions(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    """Compare intervals in any order; an interval without a variable fits any."""
    if one.names and other.names and one.names != other.names:
        return False
    left, right = ([_written(interval) for interval in found.intervals] for found in (one, other))

    def equal(x: str, y: str) -> Verdict:
        a, b = (next(i for found in (one, other) for i in found.intervals if _written(i) == text) for text in (x, y))
        if (a.low_closed, a.high_closed) != (b.low_closed, b.high_closed):
            return False
        return _all([same(a.low, b.low), same(a.high, b.high)])

    return _in_any_order(left, right, equal)


def _written(interval: Interval) -> str:
    return f"{'(['[interval.low_closed]}{interval.low},{interval.high}{')]'[interval.high_closed]}"


def _tuple_region(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    found = _interval(one.text)
    return False if found is None else _regions(found, other, same, algebra)


def _choices(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    if other.kind == "choice":
        return one.names == other.names and same(one.parts[0], other.parts[0])
    if _LETTER.fullmatch(other.text):
        return one.names[0] == other.text
    return same(one.parts[0], other.text)


def _tuples(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    return one.names == other.names and _in_order(one.parts, other.parts, same)


def _matrices(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    return one.rows == other.rows and _in_order(one.parts, other.parts, same)


def _roots(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    """Compare a list with ``x_1=2,x_2=3``: values of one variable have no order."""
    return len({name.partition("_")[0] for name in other.names}) == 1 and _in_any_order(one.parts, other.parts, same)


def _by_algebra(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    return algebra(one.text, other.text)


def _named(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    if sorted(one.names) != sorted(other.names):
        return False
    left, right = (sorted(zip(found.names, found.parts, strict=True)) for found in (one, other))
    return _in_order([value for _, value in left], [value for _, value in right], same)


def _point(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    """Compare a tuple with ``x=1,y=2``, in the order of the names."""
    values = [value for _, value in sorted(zip(other.names, other.parts, strict=True))]
    return one.names == ("(", ")") and len(set(other.names)) == len(values) and _in_order(one.parts, values, same)


def _equations(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    if one.names and other.names and one.names[0] == other.names[0]:
        return same(one.names[1], other.names[1])
    return algebra(one.text, other.text)


def _solved(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    """Compare the value of an equation with a lone variable; no value equals another equation."""
    return same(other.names[1], one.text) if other.names and not _holds(one.text, other.names[0]) else None


def _values(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    numbers = [_value(found.text) for found in (one, other)]
    if None not in numbers:
        return numbers[0] == numbers[1]
    infinite = [r"\infty" in found.text for found in (one, other)]
    if any(infinite):
        return None if all(infinite) else False
    letters = [_LETTER.fullmatch(found.text) is not None for found in (one, other)]
    if letters[0] != letters[1]:
        # A letter may be a choice whose value is not known here.
        return None
    return algebra(one.text, other.text)


def _value(text: str) -> str | None:
    """Return a number or the value of a number in another base."""
    if (found := based(text)) is None:
        return canonical_number(text)
    return str(found[0])


def _unknown(one: Shape, other: Shape, same: Same, algebra: Algebra) -> Verdict:
    return None


_ORDER: dict[Kind, int] = {kind: place for place, kind in enumerate(get_args(Kind))}
_RULES: dict[tuple[Kind, Kind], Callable[[Shape, Shape, Same, Algebra], Verdict]] = {
    **dict.fromkeys([("choice", kind) for kind in _ORDER], _choices),
    **dict.fromkeys([("text", kind) for kind in _ORDER if kind not in ("choice", "word")], _unknown),
    ("word", "value"): lambda one, other, same, algebra: None,
    ("set", "set"): lambda one, other, same, algebra: _as_sets(one.parts, other.parts, same),
    ("set", "list"): lambda one, other, same, algebra: _as_sets(one.parts, other.parts, same),
    ("list", "list"): lambda one, other, same, algebra: _in_any_order(one.parts, other.parts, same),
    ("list", "tuple"): lambda one, other, same, algebra: (
        other.names == ("(", ")") and _in_order(one.parts, other.parts, same)
    ),
    ("tuple", "tuple"): _tuples,
    ("list", "named"): _roots,
    ("relation", "relation"): _by_algebra,
    ("region", "relation"): _by_algebra,
    ("tuple", "relation"): _by_algebra,
    ("tuple", "named"): _point,
    ("tuple", "region"): _tuple_region,
    ("named", "named"): _named,
    ("matrix", "matrix"): _matrices,
    ("region", "region"): _regions,
    ("value", "value"): _values,
    ("equation", "equation"): _equations,
    ("word", "equation"): _solved,
    ("value", "equation"): _solved,
    ("set", "equation"): _solved,
    ("list", "equation"): _solved,
    ("tuple", "equation"): _solved,
    ("matrix", "equation"): _solved,
}
