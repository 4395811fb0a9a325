"""Placeholders: texts that people and programs write where an answer is missing; they are no vote and no gold."""

from __future__ import annotations

import re

from noisy_student.answers.thoughts import without_format

PLACEHOLDERS = frozenset(
    {
        *("none", "null", "nil", "nan", "nat", "na", "n/a", "n.a", "n a", "not available", "not applicable", "tbd"),
        *("inf", "+inf", "-inf", "invalid", "invalid answer", "unknown", "unk", "missing", "error", "failed"),
        *("no answer", "no response", "not found", "answer", "your answer", "final answer", "your final answer"),
        *(
            "-nan",
            "+nan",
            "pd.na",
            "tba",
            "pad",
            "noanswer",
            "unanswered",
            "not answered",
            "no reply",
            "blank",
            "skipped",
        ),
        *("timeout", "timed out", "refused", "not provided", "not given", "none given", "none provided", "n\\a", "n-a"),
        *("i don't know", "i do not know", "don't know", "idk", "not sure", "unsure", "cannot answer", "can't answer"),
        *("unable to answer", "keine antwort", "k.a", "sin respuesta", "sans r\xe9ponse", "pas de r\xe9ponse"),
        *(
            "sem resposta",
            "nessuna risposta",
            "\u043d\u0435\u0442 \u043e\u0442\u0432\u0435\u0442\u0430",
            "\u6682\u65e0",
            "\u65e0\u7b54\u6848",
            "\u672a\u77e5",
            "\u4e0d\u660e",
            "\u7b54\u6848",
            "\ub2f5 \uc5c6\uc74c",
        ),
        *("the answer", "answer here", "your answer here", "number", "value", "placeholder"),
    }
)
"""In lower case, without brackets. "undefined", "none of these" and "no solution" are answers of mathematics."""
_AS_JSON = frozenset({"Infinity", "-Infinity"})
_MARKS = re.compile(r"[-_.?*#\s\u2010-\u2015\u2026\u2212]*+")
_SHEET_ERROR = re.compile(r"#[A-Z0-9/]{2,12}[!?]|\\N|[(\[{<\"'`]{1,3}[\s.]*[)\]}>\"'`]{1,3}")
"""Errors of spreadsheets (``#DIV/0!``), the null of database dumps, and empty brackets or quotes."""
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
    if _MARKS.fullmatch(text) or text.strip() in _AS_JSON or _SHEET_ERROR.fullmatch(text.strip()):
        return True
    words = " ".join(text.replace("_", " ").replace("\u2019", "'").strip(_BRACKETS).lower().split())
    return words in PLACEHOLDERS
