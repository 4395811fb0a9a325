"""Placeholders: texts that people and programs write where an answer is missing; they are no vote and no gold."""

from __future__ import annotations

import re

from noisy_student.answers.thoughts import without_format

PLACEHOLDERS = frozenset(
    {
        *("none", "null", "nil", "nan", "nat", "na", "n/a", "n.a", "n a", "not available", "not applicable", "tbd"),
        *("inf", "+inf", "-inf", "invalid", "invalid answer", "unknown", "unk", "missing", "error", "failed"),
        *("no answer", "no response", "not found", "answer", "your answer", "final answer", "your final answer"),
        *("the answer", "answer here", "your answer here", "number", "value", "placeholder"),
    }
)
"""In lower case, without brackets. "undefined", "none of these" and "no solution" are answers of mathematics."""
_AS_JSON = frozenset({"Infinity", "-Infinity"})
_MARKS = re.compile(r"[-_.?*#\s\u2010-\u2015\u2026\u2212]*+")
_LONGEST = 40
_BRACKETS = " \t\r\n[](){}<>\"'`#*_.!:"


def is_placeholder(text: str) -> bool:
    """Return whether a written answer stands for a missing one.

    >>> [is_placeholder(text) for text in ("[invalid]", "NaN", "-", " ", "0", "blue")]
    [True, True, True, True, False, False]
    """
    if text[:1].isdigit():
        return False
    text = without_format(text)
    if len(text) > _LONGEST:
        return not text.strip()
    if _MARKS.fullmatch(text) or text.strip() in _AS_JSON:
        return True
    return " ".join(text.replace("_", " ").strip(_BRACKETS).lower().split()) in PLACEHOLDERS
