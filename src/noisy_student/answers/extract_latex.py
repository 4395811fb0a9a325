r"""Extraction of a LaTeX answer from a sampled text; linear in the text's length.

It is the last closed box that is no placeholder, else the text after the last ``####``, else what follows the last
label ("the answer is", ``Answer:``); a box counts as strict, since prompts for LaTeX ask for one. A number without
mark, box or label is never a LaTeX answer.
"""

from __future__ import annotations

import re
from collections import deque

from noisy_student.answers.claims import MAX_GAP, joined
from noisy_student.answers.labels import label_ends
from noisy_student.answers.latex import MAX_LATEX, canonical_latex
from noisy_student.answers.marks import MARK, Box, answer_end, box_sign, boxes, visible
from noisy_student.answers.placeholders import is_placeholder
from noisy_student.answers.plain import plain
from noisy_student.records import Answer, Method, NoAnswer

_LABELS_TRIED = 4
_END = re.compile(r"\n|</|\.(?![0-9.])|[\u3002\uff0e\u0964]|$")
_MATH = re.compile(r"\$\$(?P<a>[^$]++)\$\$|\$(?P<b>[^$\n]++)\$|\\\[(?P<c>.*?)\\\]|\\\((?P<d>.*?)\\\)", re.DOTALL)
_MORE = re.compile(r"[ ,]*+(?:and|or|,)? ?(?:\$|\\\()")
_FILLERS = re.compile(
    r"(?:(?:therefore|thus|hence|then|simply|just|exactly|equal to|given by|found to be|the|value|number|of)[ ,:]++)*+",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}.*[0-9]|[0-9].*(?<![\\A-Za-z])[A-Za-z]{3,}")
"""Words with digits between them: more than an answer follows the label."""
_REFERENCES = re.compile(
    r"(?:(?:as |the |see |given )?(?:above|below|here|following|previous)"
    r"|(?:final |the )?(?:result|solution|box(?:ed)?)(?: here| above)?|\\[lc]?dots|answer.*)",
    re.IGNORECASE,
)
"""Contents of a box that refer to an answer and are none."""


def extract_latex(text: str) -> Answer | NoAnswer:
    r"""Return the answer of a whole text by the first of the three methods that finds one.

    >>> extract_latex(r"so \boxed{\dfrac{\pi}{2}} it is").canonical
    '$\\frac{\\pi}{2}$'
    """
    seen = visible(text)
    end = answer_end(seen.text, final=True)
    text = seen.text if end is None else seen.text[:end]
    boxed = None if seen.unfinished else _boxed(text)
    ways: tuple[tuple[Method, str | None], ...] = (("boxed", boxed), ("hashes", _marked(text)))
    for method, surface in ways:
        answer = None if surface is None else _read_latex(surface, method)
        if answer is not None:
            return answer
    if seen.unfinished:
        return NoAnswer("truncated")
    labels = deque(label_ends(text), maxlen=_LABELS_TRIED)
    for start in reversed(labels):
        answer = _read_latex(_said(text, start), "phrase")
        if answer is not None and not _SENTENCE.search(answer.canonical):
            return answer
    something = labels or MARK in text or "\\boxed" in text or "\\fbox" in text
    return NoAnswer("unreadable" if something else "absent")


def _read_latex(surface: str, method: Method) -> Answer | None:
    canonical = canonical_latex(surface)
    if canonical is None:
        return None
    return Answer(canonical, surface.strip(), method, strict=method in ("boxed", "hashes"))


def _boxed(text: str) -> str | None:
    """Return the content of the last box that is no placeholder; a reference only where no box has a value."""
    reference = None
    for box in boxes(text):
        words = _words(box.content)
        if is_placeholder(words):
            continue
        if not _REFERENCES.fullmatch(words):
            return _whole(text, box)
        reference = reference or box.content
    return reference


def _whole(text: str, last: Box) -> str | None:
    """Return a box with its sign and the boxes beside it in its line; None where it is a part of a formula."""
    sign = box_sign(text, last)
    if sign is None:
        return None
    found, begin = [last.content if sign > 0 else f"-{last.content}"], last.start
    for box in boxes(text[: last.start]):
        between = text[box.end : begin]
        if "\n" in between or len(between) > MAX_GAP or not joined(plain(between)):
            break
        found.append(box.content)
        begin = box.start
    return ",".join(reversed(found)) if {*found} != {last.content} else last.content


def _words(content: str) -> str:
    return re.sub(r"\\(?:text|mathrm|textbf|mbox)(?![A-Za-z])|[{}$]", " ", content[:MAX_LATEX]).strip()


def _marked(text: str) -> str | None:
    """Return the rest of the line after the last mark, without bold marks and colons; None without a mark."""
    start = text.rfind(MARK)
    if start < 0:
        return None
    line = text[start + len(MARK) :].partition("\n")[0]
    return line.strip(" \t#*:")


def _said(text: str, start: int) -> str:
    """Return the formula or words after a label: the first formula if it comes first, else up to the sentence's end."""
    filler = _FILLERS.match(text, start, start + MAX_LATEX)
    start = start if filler is None else filler.end()
    formula = _MATH.match(text, start, start + MAX_LATEX)
    if formula and not _MORE.match(text, formula.end()):
        return next(filter(None, formula.groups()), "")
    end = _END.search(text, start)
    assert end is not None
    line = text[start : min(end.start(), start + 2 * MAX_LATEX)]
    formulas = list(_MATH.finditer(line))
    if len(formulas) == 1 and canonical_latex(line) is None:
        return next(filter(None, formulas[0].groups()), "")
    return line.strip(" *")
