"""Where ``stop_at_answer`` ends a row: the rule for a text, and its place in tokens that were drawn without it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from noisy_student.answers.hashes import MARK
from noisy_student.answers.stop import answer_end


def may_stop(text: str) -> bool:
    """Whether the answer is complete; half a character (U+FFFD) may yet become a minus sign that goes on with it.

    >>> may_stop("#### 18"), may_stop("#### 18 "), may_stop("#### 18 \\ufffd")
    (False, True, False)
    """
    return not text.endswith("\ufffd") and answer_end(text) is not None


def first_stop(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> int | None:
    """How many tokens the rule would have let through, or None where it never stops; stop ids are not its business."""
    # A prefix of the tokens is a prefix of the text, so a mark that has come stays: no shorter prefix need be read.
    first = bisect_left(range(1, len(ids) + 1), True, key=lambda end: MARK in decode(ids[:end])) + 1
    return next((end for end in range(first, len(ids) + 1) if may_stop(decode(ids[:end]))), None)
