r"""Extraction of a LaTeX answer from a sampled text; linear in the text's length.

It is the last closed box, else the text after the last ``####``, else a phrase; a box counts as strict, since prompts
for LaTeX ask for one. A number without mark, box or phrase is never a LaTeX answer.
"""

from __future__ import annotations

import re

from noisy_student.answers.latex import canonical_latex
from noisy_student.answers.marks import BOX, MARK, answer_end, last_box, own_turn
from noisy_student.records import Answer, Method, NoAnswer

_LATEX_PHRASE = re.compile(r"answer is[\s:*]*+", re.IGNORECASE | re.ASCII)
_END = re.compile(r"\n|\.(?![0-9])|$")


def extract_latex(text: str) -> Answer | NoAnswer:
    r"""Return the answer of a whole text by the first of the three methods that finds one.

    >>> extract_latex(r"so \boxed{\dfrac{\pi}{2}} it is").canonical
    '$\\frac{\\pi}{2}$'
    """
    text = own_turn(text)
    end = answer_end(text)
    text = text if end is None else text[:end]
    ways: tuple[tuple[Method, str | None], ...] = (
        ("boxed", last_box(text)),
        ("hashes", _marked(text)),
        ("phrase", _said(text)),
    )
    for method, surface in ways:
        answer = None if surface is None else _read_latex(surface, method)
        if answer is not None:
            return answer
    return NoAnswer("unreadable" if BOX in text or MARK in text or _LATEX_PHRASE.search(text) else "absent")


def _read_latex(surface: str, method: Method) -> Answer | None:
    canonical = canonical_latex(surface)
    if canonical is None:
        return None
    return Answer(canonical, surface.strip(), method, strict=method in ("boxed", "hashes"))


def _marked(text: str) -> str | None:
    """Return the rest of the line after the last mark, without bold marks and colons; None without a mark."""
    start = text.rfind(MARK)
    if start < 0:
        return None
    line = text[start + len(MARK) :].partition("\n")[0]
    return line.strip(" \t#*:")


def _said(text: str) -> str | None:
    """Return the text after the last "answer is" up to the end of its line or sentence; None without the phrase."""
    found = None
    for phrase in _LATEX_PHRASE.finditer(text):
        found = phrase
    if found is None:
        return None
    end = _END.search(text, found.end())
    assert end is not None
    return text[found.end() : end.start()].strip(" *")
