"""Extraction of ``\\boxed{...}`` with balanced braces."""

from __future__ import annotations

import re

BOX = "\\boxed{"
MAX_BOX = 400
"""Longest box in characters; a longer one counts as never closed."""
_BOXES_TRIED = 8  # Bounds the cost of a text full of unclosed boxes.
_BRACE = re.compile(r"[{}]")


def last_box(text: str) -> str | None:
    """Return the content of the last box that closes, or None.

    >>> last_box("\\\\boxed{5}, no: \\\\boxed{\\\\frac{1}{2}}")
    '\\\\frac{1}{2}'
    """
    start = text.rfind(BOX)
    for _ in range(_BOXES_TRIED):
        if start < 0:
            return None
        begin, depth = start + len(BOX), 1
        for brace in _BRACE.finditer(text, begin, begin + MAX_BOX):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                return text[begin : brace.start()]
        start = text.rfind(BOX, 0, start)
    return None
