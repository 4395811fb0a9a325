"""Texts that hold so many answers that they answer nothing: counted, since what is read of them is chance."""

from __future__ import annotations

from noisy_student.answers.box import BOX
from noisy_student.answers.hashes import MARK

MOST = 16
"""Marks and boxes of one text; a worked solution of eight steps, each boxed, has nine."""


def is_flood(text: str) -> bool:
    """Whether a text holds more marks and boxes than any solution.

    >>> is_flood("6 * 7 = 42\\n#### 42"), is_flood("#### 4 " * 500)
    (False, True)
    """
    return text.count(MARK) + text.count(BOX) > MOST
