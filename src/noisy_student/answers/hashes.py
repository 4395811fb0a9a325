"""Search for the first complete ``#### number``, shared by extraction (``extract``) and stopping (``stop``).

A number is complete if nothing that could continue it follows: ``#### 18 eggs`` and ``#### **18**.`` are complete;
``#### 1e3``, ``#### 1,00``, ``#### 12:30`` and ``#### 10^6`` are not and are skipped like a heading ``#### Step 1``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from noisy_student.answers.normalize import NUMBER, canonical_number

MARK = "####"

_BEFORE = re.compile(r"[ \t#*:(]*+(?:\\[(\[] ?)?+")
_GLUED = re.compile(rf"(?P<number>{NUMBER})(?P<rest>[\dA-Za-z_.,/%:*^=+!{{}}\\\u2212-]*+)")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Marked:
    """A number found after a mark; ``end`` is the position after the number and any characters glued to it."""

    canonical: str
    surface: str
    end: int


def first_hashes(text: str) -> Marked | None:
    """Return the first complete number that follows a ``####`` on its line, or None."""
    position = text.find(MARK)
    while position >= 0:
        before = _BEFORE.match(text, position + len(MARK))
        assert before is not None
        marked = number_at(text, before.end())
        if marked is not None:
            return marked
        position = text.find(MARK, before.end())
    return None


def number_at(text: str, position: int) -> Marked | None:
    """Return the complete number that begins at ``position``, or None."""
    match = _GLUED.match(text, position)
    if match is None or _DIGIT.search(match["rest"]):
        return None
    canonical = canonical_number(match["number"])
    return None if canonical is None else Marked(canonical, match["number"], match.end())
