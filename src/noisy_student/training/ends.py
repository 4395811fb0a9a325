"""How answers ended: by themselves, at the cap, in a loop. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from noisy_student.records import Draw

LONGEST, TIMES, LEAST = 32, 4, 16
"""A loop is at most so many tokens, so many times in a row, and so many tokens in all: ``3+3+3+3`` is none."""


def loops(token_ids: Sequence[int]) -> bool:
    """Whether the text ends in the same few tokens over and over.

    >>> loops([7, 8] + [1, 2, 3] * 6), loops([3, 4, 3, 4, 3, 4, 3, 4]), loops(list(range(40)))
    (True, False, False)
    """
    ids = list(token_ids)
    for period in range(1, LONGEST + 1):
        span = period * max(TIMES, -(-LEAST // period))
        if span > len(ids):
            continue
        if ids[-span:-period] == ids[period - span :]:
            return True
    return False


def ends(draws: Sequence[Draw]) -> dict[str, Any]:
    """The facts of a step's answers; shares are of all of them, ``ended_length`` is None where none ended.

    ``looped`` run in a circle at their end, ``cut_looped`` did so until the cap cut them.
    """
    ended = [len(draw.token_ids) for draw in draws if draw.finish == "eos"]
    # The token that ends a text is no part of the circle before it.
    looped = [loops(draw.token_ids[:-1] if draw.finish == "eos" else draw.token_ids) for draw in draws]
    cut = [draw.finish != "eos" for draw in draws]
    return {
        "mean_length": sum(len(draw.token_ids) for draw in draws) / len(draws),
        "stopped": len(ended) / len(draws),
        "ended_length": sum(ended) / len(ended) if ended else None,
        "longest_ended": max(ended, default=None),
        "looped": sum(looped) / len(draws),
        "cut_looped": sum(one and other for one, other in zip(looped, cut, strict=True)) / len(draws),
    }
