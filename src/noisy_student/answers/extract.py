r"""Extraction of an answer from a sampled text; linear in the text's length.

Thinking blocks, invisible format characters, invented next turns and text beyond ``marks.MAX_CHARACTERS`` are not
read. A number is found in four stages of falling trust:

1. ``hashes``: the first whole number at once after ``####`` (``strict``); numbered headings are skipped.
2. ``boxed``: the last closed box that holds a number.
3. ``phrase``: the last label ("the answer is", ``Answer:``, ``<answer>``, 30 languages) with a number in its sentence.
4. ``last-number``: the last number of the text.

A number is read whole or not at all (``claims``). Abstaining, so that no guess becomes a vote:

- two numbers, ranges, times, dates, ratios, compound units and lists; arithmetic without result; algebra (``2x = 10``);
- a number that goes on: ``1e3``, ``2^3``, ``5k``, ``5M``, ``2x``, ``1st``, ``0.333...``, "36?", decimal commas, a base;
- two different boxes side by side in a line; a box whose number is not alone; "the answer is not 36";
- a sentence after a label with several numbers of which none follows at once ("the total for 3 days, 42");
- stage 4 where a mark or label has a number that is not whole, or a box is there that stage 2 could not read;
- a thought that is never closed, unless a ``####`` answer stands before it; digits that are not ASCII.

``strict`` is lm-eval's ``strict-match`` (``#### (\-?[0-9\.\,]+)``), tolerant of ``$``, bold and brackets and
intolerant of numbers that continue (``1e3``); all stages together correspond to its ``flexible-extract``.
"""

from __future__ import annotations

import re
from typing import Literal

from noisy_student.answers.claims import claims
from noisy_student.answers.extract_latex import extract_latex
from noisy_student.answers.marks import BOX, MARK, Said, answer_end, boxed_number, boxes, hashes, said_number, visible
from noisy_student.answers.normalize import MAX_SURFACE
from noisy_student.answers.plain import plain
from noisy_student.records import Answer, Finish, Kind, NoAnswer, Sample

Truncated = Literal["abstain", "last-number"]

MOST_ANSWERS = 16
"""Most marks and boxes of one text; a worked solution of eight steps, each boxed, has nine."""

_DIGIT = re.compile(r"\d")
_LINE_BEFORE = 300
_LINE_AFTER = 120
"""Characters of a line that are read around the last number."""
_LINES_TRIED = 8
_WORD_END = re.compile(r"\S*+")
_LIST_MARK = re.compile(r"\s*+[#*>\s]*+[(\[]?[0-9]{1,2}(?:\\?[.)\]]+|:)\s(?=\s*\S)")
_PAIRS = re.compile(
    rf"[\s*]*+{MARK}[\s*]*+[^\W\d_]{{1,20}} ?[:=] ?[0-9$][^,;:=]{{0,20}}[,;] ?[^\W\d_]{{1,20}} ?[:=] ?[0-9$]"
)
"""A marked line of several named numbers ("#### Dogs: 5, Cats: 6")."""
_COUNTED = re.compile(
    r"(?<![A-Za-z])(?:step|part|question|problem|case|method|option|section|no\.) ?#?$", re.IGNORECASE
)
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e]")


def read(text: str, finish: Finish, *, truncated: Truncated = "abstain", kind: Kind = "number") -> Answer | NoAnswer:
    """Return the answer of a sample that ended with ``finish`` to a question of this ``kind``.

    A failed sample has none. A sample cut off by the token cap abstains unless its ``####`` answer was complete, so
    that sampling with and without ``stop_at_answer`` gives the same answer; under ``truncated="last-number"`` (the
    original protocol) it is read like any other, usually to its last number.

    >>> read("so 18 a day", "length"), read("so 18 a day", "length", truncated="last-number").canonical
    (NoAnswer(reason='truncated'), '18')
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
    text, unfinished = visible(text)
    marked, blocked = hashes(text) if MARK in text else (None, False)
    if marked is not None:
        return Answer(marked.canonical, marked.surface, "hashes", strict=True)
    if unfinished:
        return NoAnswer("truncated")
    has_box = next(boxes(text), None) is not None
    if has_box and (boxed := boxed_number(text)) is not None:
        return Answer(boxed[0], boxed[1].strip(), "boxed", strict=False)
    said = said_number(text)
    if said is not None and said.canonical is not None:
        return Answer(said.canonical, said.surface, "phrase", strict=False)
    last = _last_number(text) if said is None and not blocked and not has_box else None
    if last is not None and last.canonical is not None:
        return Answer(last.canonical, last.surface, "last-number", strict=False)
    something = MARK in text or has_box or said is not None or last is not None
    return NoAnswer("unreadable" if something or _DIGIT.search(text) else "absent")


def is_flood(text: str) -> bool:
    """Return whether a text holds more marks and boxes than any solution, so that its answer is chance.

    >>> is_flood("6 * 7 = 42\\n#### 42"), is_flood("#### 4 " * 500)
    (False, True)
    """
    return text.count(MARK) + text.count(BOX) > MOST_ANSWERS


def _last_number(text: str) -> Said | None:
    """Return the last number of a text as its line states it, None if there is none."""
    end = len(text)
    for _ in range(_LINES_TRIED):
        at = max(text.rfind(digit, 0, end) for digit in "0123456789")
        if not text.isascii():
            at = max([at, *(found.start() for found in _VULGAR.finditer(text, max(at, 0), end))])
        if at < 0:
            return None
        start = text.rfind("\n", 0, at) + 1
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        if at - start > _LINE_BEFORE:
            word = _WORD_END.match(text, at - _LINE_BEFORE)
            assert word is not None
            start = word.end()
            if start > at:  # The number belongs to a word that is longer than what is read.
                return Said(None, text[at])
        said = _last_of_line(text[start : min(stop, at + _LINE_AFTER)])
        if said is not None:
            return said
        end = start
    return None


def _last_of_line(raw: str) -> Said | None:
    """Return the last number of a line that counts no step and numbers no item; None if there is none."""
    if _PAIRS.match(raw):
        return Said(None, raw.strip())
    if mark := _LIST_MARK.match(raw):
        raw = raw[mark.end() :]
    line = plain(raw)
    for claim in reversed(claims(line, bullets=True)):
        if not _COUNTED.search(line, max(0, claim.start - 12), claim.start):
            surface = line[claim.start : claim.end] if line == raw else raw.strip()
            if claim.end - claim.start > MAX_SURFACE:
                return Said(None, surface)
            return Said(claim.value, surface)
    return None
