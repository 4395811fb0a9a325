"""Reads the written answer of a data set strictly: whole or not at all, since a misread gold label is a wrong truth.

A worked solution in the answer's column ends in ``#### N`` or holds a box; what follows its last ``####`` must be one
number to the end of that line. Two numbers (``5 or 6``, a range, a time, a ratio) are no single answer.
"""

from __future__ import annotations

import re
from fractions import Fraction

from noisy_student.answers.equivalence import verdict
from noisy_student.answers.extract import read
from noisy_student.answers.latex import written as written_latex
from noisy_student.answers.marks import BOX, MARK, boxes, stated_number
from noisy_student.answers.normalize import canonical_number
from noisy_student.records import Answer, Kind

MOST_CHARACTERS = 100
"""Longest text that states a number with its unit."""
_NOT_ONE_VALUE = re.compile(
    r"\b(?:or|not|and(?! *[0-9])|between|least|most|than|a\.?m|p\.?m|o'clock)\b\.?"
    r"|\(\s*(?:half|hundred|thousand|million|billion|dozen)s?\s*\)"
    r"|[<>\u2264\u2265\u00b1]|\\(?:leq?|geq?|lt|gt|pm)\b",
    re.IGNORECASE,
)
"""Words and signs that make one written number a bound, a time or one of several values."""
_BEFORE = frozenset(
    ("the", "final", "answer", "ans", "is", "about", "approximately", "approx", "around", "exactly", "only", "just")
    + ("total", "of", "minus", "negative", "usd", "eur", "gbp", "rs", "inr")
)
"""Words that may stand before an answer's number; others name a thing (``room 12``) or a bound (``under 5``)."""
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[-\u2212]?\d[\d.,]*")
_LATEX = re.compile(r"\\[A-Za-z]{2,}|[\^_{}]|\\[(\[]|\$[^$]*[A-Za-z][^$]*\$|[0-9)][a-z]\b|\b[a-z]\s*[-+=*/(]")


def whole_number(text: str) -> str | None:
    """Return the canonical form of a text that states one number, with its name or unit at most; else None.

    >>> whole_number("9 (apples)"), whole_number("5 (or 6)"), whole_number("$1,200"), whole_number("at least 5")
    ('9', None, '1200', None)
    """
    found = canonical_number(text)
    if found is not None or len(text) > MOST_CHARACTERS or MARK in text or BOX in text or "\n" in text.strip():
        return found
    first = _DIGIT.search(text)
    before = _WORD.findall(text, 0, first.start()) if first else []
    named = all(word.casefold() in _BEFORE for word in before)
    return stated_number(text) if named and not _NOT_ONE_VALUE.search(text) else None


def read_answer(text: str, kind: Kind) -> str | None:
    """Return the canonical answer of an answer column: a bare one, or the marked one of a worked solution."""
    bare = whole_number(text)
    if bare is None and kind == "math" and MARK not in text and BOX not in text:
        bare = written_latex(text)
    return bare if bare is not None else marked_answer(text, kind)


def holds_solution(text: str) -> bool:
    """Return True if an answer column holds a worked solution: a marked answer after other text."""
    return whole_number(text) is None and (MARK in text or BOX in text or "\n" in text.strip())


def marked_answer(text: str, kind: Kind) -> str | None:
    """Return the answer that a worked solution marks by ``####``, a box or a last line ``The answer is: 7``.

    None if the marked text is not whole, or if two boxes of its last line differ.
    """
    if MARK in text:
        return _after_mark(text, kind)
    if BOX not in text:
        return _last_line(text)
    if _boxes_differ(text, kind):
        return None
    answer = read(text, "eos", kind=kind)
    return answer.canonical if isinstance(answer, Answer) and answer.method == "boxed" else None


def other_reading(text: str) -> str | None:
    """Return the number that a reader of numbers would take from a text that is not read; None without any."""
    after = text.rpartition(MARK)[2]
    found = _NUMBER.search(after) or _NUMBER.search(text)
    return found[0].rstrip(".,") if found else None


def is_written_in_latex(text: str) -> bool:
    """Return True if a text that is no number is written as LaTeX and can be read as it.

    >>> is_written_in_latex("\\\\frac{\\\\pi}{2}"), is_written_in_latex("5 or 6")
    (True, False)
    """
    box = next(boxes(text), None)
    answer = box.content if box is not None else text
    return len(answer) < 300 and _LATEX.search(answer) is not None and read_answer(text, "math") is not None


def contradict(answer: str, marked: str) -> bool:
    """Return True if two canonical answers surely differ, by more than the rounding of one of them."""
    if answer == marked:
        return False
    one, other = _rounded(answer), _rounded(marked)
    if one is not None and other is not None:
        return abs(one[0] - other[0]) > max(one[1], other[1])
    return verdict(answer, marked) is False


def _rounded(canonical: str) -> tuple[Fraction, Fraction] | None:
    """Return a number and half a unit of its last decimal; 0 for a whole number or a fraction."""
    try:
        value = Fraction(canonical)
    except (ValueError, ZeroDivisionError):
        return None
    _, point, decimals = canonical.partition(".")
    return value, Fraction(1, 2 * 10 ** len(decimals)) if point else Fraction(0)


def _after_mark(text: str, kind: Kind) -> str | None:
    """Return the answer after the last ``####`` that is followed by one; a mark before words is a heading."""
    for piece in reversed(text.split(MARK)[1:]):
        line = piece.lstrip("# \t").split("\n", maxsplit=1)[0].strip().strip("*").strip()
        found = read_answer(line, kind) if line else None
        if found is not None or _DIGIT.search(line):
            return found
    return None


def _last_line(text: str) -> str | None:
    """Return the number of a last line that names it as the answer."""
    before, _, line = text.strip().rpartition("\n")
    return whole_number(line) if before and "answer" in line.casefold() else None


def _boxes_differ(text: str, kind: Kind) -> bool:
    """Return True if the last line that has a box has another one with another answer."""
    line = next(line for line in reversed(text.split("\n")) if BOX in line)
    cuts = [match.start() for match in re.finditer(re.escape(BOX), line)]
    found = {read(line[start:end], "eos", kind=kind) for start, end in zip(cuts, [*cuts[1:], len(line)], strict=True)}
    return len({answer.canonical for answer in found if isinstance(answer, Answer)}) > 1
