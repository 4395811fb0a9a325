"""Texts that would be more than text wherever they are shown, and a document full of them."""

from __future__ import annotations

from typing import Any

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</textarea></style></title></svg></text>",
    '" onmouseover="alert(1)',
    "</script><script>alert(1)</script><!--<script>\u2028",
    "javascript:alert(1)",
    "data:text/html,<b>x</b>",
    "[x](javascript:alert(1))",
    "{{7*7}} ${7*7} <%= 7*7 %> {% for i in range(9) %}",
    "\x1b[2J\x1b]0;owned\x07",
]
# Words the report compares with; everything else may be anything.
CHOSEN = {"status", "unit", "verdict"}


def poison(value: Any, text: str) -> Any:
    """A copy of a JSON value with ``text`` in the place of every string that may be anything."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [poison(item, text) for item in value]
    if isinstance(value, dict):
        return {key: item if key in CHOSEN else poison(item, text) for key, item in value.items()}
    return value
