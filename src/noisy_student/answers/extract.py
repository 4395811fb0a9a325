"""A sampled text in, its answer out, in four stages of falling trust; linear in the length of the text.

1. ``hashes``: the first complete number after ``####`` (``strict``); a mark without a readable number is skipped.
2. ``boxed``: the last closed box.
3. ``phrase``: the last "answer is" that is followed by a number.
4. ``last-number``: the last thing that begins like a number. If it is none (``1e3``), nothing is read; nor is the
   inside of a box that stage 2 could not read.

``strict`` is lm-eval's ``strict-match`` (``#### (\\-?[0-9\\.\\,]+)``) made tolerant of ``$``, bold and brackets and
intolerant of numbers that go on (``1e3``); every stage together stands for its ``flexible-extract``.
Invented next turns and text above ``turns.MAX_CHARACTERS`` are ignored.
"""

from __future__ import annotations

import re
from typing import Literal

from noisy_student.answers.box import last_box
from noisy_student.answers.extract_latex import extract_latex
from noisy_student.answers.hashes import MARK, first_hashes, number_at
from noisy_student.answers.normalize import NUMBER, canonical_number
from noisy_student.answers.stop import answer_end
from noisy_student.answers.turns import own_turn
from noisy_student.records import Answer, Finish, Kind, NoAnswer

Truncated = Literal["abstain", "last-number"]

_PHRASE = re.compile(r"answer is[\s:*(]*+(?:\\[(\[] ?)?+", re.IGNORECASE | re.ASCII)
_LOOSE = re.compile(rf"(?<![\dA-Za-z_.])(?:(?![-+\u2212])|(?<![)\]}}%]))(?P<number>{NUMBER})(?P<rest>[\dA-Za-z_.,/]*+)")
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\{([^{}]*+)\}")
_SPACING = re.compile(r"\\[,!;:]|\^\{?\\circ\}?")
_WITH_UNIT = re.compile(r"(?P<number>\S++) ++[A-Za-z][A-Za-z .]*+")


def read(text: str, finish: Finish, *, truncated: Truncated = "abstain", kind: Kind = "number") -> Answer | NoAnswer:
    """The answer of a sample that ended in ``finish``, to a question of that kind.

    A failed sample has none. One cut off by the cap abstains unless its ``####`` answer was complete before, so that
    sampling with and without ``stop_at_answer`` reads the same; under ``last-number`` (the original protocol) it is
    read like any other, where the last number is the usual find.

    >>> read("so 18 + 3", "length"), read("so 18 + 3", "length", truncated="last-number").canonical
    (NoAnswer(reason='truncated'), '3')
    """
    if finish == "failed":
        return NoAnswer("failed")
    if finish == "length" and truncated == "abstain" and answer_end(text) is None:
        return NoAnswer("truncated")
    return extract(text) if kind == "number" else extract_latex(text)


def extract(text: str) -> Answer | NoAnswer:
    """The answer of a whole text by the first of the four stages that finds one.

    >>> extract("16 - 7 = 9, times 2.\\n#### $18 a day").canonical
    '18'
    """
    text = own_turn(text)
    marked = first_hashes(text)
    if marked is not None:
        return Answer(marked.canonical, marked.surface, "hashes", strict=True)
    box = last_box(text)
    answer = _read_box(box) if box is not None else None
    answer = answer or _last_phrase(text)
    digits = _DIGIT.search(text) is not None
    if answer is None and box is None and digits:
        answer = _last_number(text)
    if answer is not None:
        return answer
    something = digits or box is not None or MARK in text or _PHRASE.search(text)
    return NoAnswer("unreadable" if something else "absent")


def _read_box(content: str) -> Answer | None:
    plain = _SPACING.sub("", _WORDS.sub(r" \1 ", content))
    plain = plain.replace("{,}", ",").replace("\\ ", " ").replace("~", " ").rpartition("=")[2].strip()
    canonical = canonical_number(plain)
    if canonical is None and (match := _WITH_UNIT.fullmatch(plain)):
        canonical = canonical_number(match["number"])
    return None if canonical is None else Answer(canonical, content.strip(), "boxed", strict=False)


def _last_phrase(text: str) -> Answer | None:
    found = None
    for phrase in _PHRASE.finditer(text):
        found = number_at(text, phrase.end()) or found
    return None if found is None else Answer(found.canonical, found.surface, "phrase", strict=False)


def _last_number(text: str) -> Answer | None:
    last = None
    for match in _LOOSE.finditer(text):
        last = match
    if last is None or _DIGIT.search(last["rest"]):
        return None
    canonical = canonical_number(last["number"])
    return None if canonical is None else Answer(canonical, last["number"], "last-number", strict=False)
