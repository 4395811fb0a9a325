r"""Extraction of an answer from a sampled text; linear in the text's length.

A number is found in four stages of falling trust:

1. ``hashes``: the first complete number after ``####`` (``strict``); a mark without a readable number is skipped.
2. ``boxed``: the last closed box.
3. ``phrase``: the last "answer is" that is followed by a number.
4. ``last-number``: the last token that begins like a number. If it is not one (``1e3``), there is no answer; a text
   with a box that stage 2 could not read skips this stage.

``strict`` is lm-eval's ``strict-match`` (``#### (\-?[0-9\.\,]+)``), tolerant of ``$``, bold and brackets and
intolerant of numbers that continue (``1e3``); all stages together correspond to its ``flexible-extract``.

Invented next turns and text beyond ``marks.MAX_CHARACTERS`` are ignored.
"""

from __future__ import annotations

import re
from typing import Literal

from noisy_student.answers.extract_latex import extract_latex
from noisy_student.answers.marks import BOX, MARK, answer_end, first_hashes, last_box, number_at, own_turn
from noisy_student.answers.normalize import NUMBER, canonical_number
from noisy_student.records import Answer, Finish, Kind, NoAnswer, Sample

Truncated = Literal["abstain", "last-number"]

MOST_ANSWERS = 16
"""Most marks and boxes of one text; a worked solution of eight steps, each boxed, has nine."""

_PHRASE = re.compile(r"answer is[\s:*(]*+(?:\\[(\[] ?)?+", re.IGNORECASE | re.ASCII)
_LOOSE = re.compile(rf"(?<![\dA-Za-z_.])(?:(?![-+\u2212])|(?<![)\]}}%]))(?P<number>{NUMBER})(?P<rest>[\dA-Za-z_.,/]*+)")
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\{([^{}]*+)\}")
_SPACING = re.compile(r"\\[,!;:]|\^\{?\\circ\}?")
_WITH_UNIT = re.compile(r"(?P<number>\S++) ++[A-Za-z][A-Za-z .]*+")


def read(text: str, finish: Finish, *, truncated: Truncated = "abstain", kind: Kind = "number") -> Answer | NoAnswer:
    """Return the answer of a sample that ended with ``finish`` to a question of this ``kind``.

    A failed sample has none. A sample cut off by the token cap abstains unless its ``####`` answer was complete, so
    that sampling with and without ``stop_at_answer`` gives the same answer; under ``truncated="last-number"`` (the
    original protocol) it is read like any other, usually to its last number.

    >>> read("so 18 + 3", "length"), read("so 18 + 3", "length", truncated="last-number").canonical
    (NoAnswer(reason='truncated'), '3')
    """
    if finish == "failed":
        return NoAnswer("failed")
    if finish == "length" and truncated == "abstain" and answer_end(text) is None:
        return NoAnswer("truncated")
    return extract(text) if kind == "number" else extract_latex(text)


def canonical_of(sample: Sample, *, truncated: Truncated = "abstain") -> str | None:
    """Return the canonical answer of a sample, as ``read`` finds it; None without one."""
    answer = read(sample.text, sample.finish, truncated=truncated, kind=sample.kind)
    return answer.canonical if isinstance(answer, Answer) else None


def extract(text: str) -> Answer | NoAnswer:
    """Return the answer of a whole text by the first of the four stages that finds one.

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


def is_flood(text: str) -> bool:
    """Return whether a text holds more marks and boxes than any solution, so that its answer is chance.

    >>> is_flood("6 * 7 = 42\\n#### 42"), is_flood("#### 4 " * 500)
    (False, True)
    """
    return text.count(MARK) + text.count(BOX) > MOST_ANSWERS


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
