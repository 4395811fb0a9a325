"""Groups of answers: what of a generation batch can teach anything. No torch.

A group whose answers all earned the same has no advantage and moves nothing, whether its label is right or wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from noisy_student.records import Draw

Kind = Literal["all-right", "all-wrong", "mixed"]
Origin = Literal["gold", "vote", "revealed"]


@dataclass(frozen=True, slots=True)
class Group:
    """One question's answers of one step against the label that was used; ``answers`` of them, ``right`` reached it.

    ``label`` is None where an online vote had no winner, ``leading`` the answer that most of them gave, None where none
    of them can be read.
    """

    step: int
    question_id: str
    origin: Origin
    label: str | None
    answers: int
    right: int
    leading: str | None = None

    @property
    def kind(self) -> Kind:
        """Whether it teaches.

        >>> Group(0, "q", "gold", "4", answers=8, right=3).kind
        'mixed'
        """
        return "all-wrong" if not self.right else "all-right" if self.right == self.answers else "mixed"

    @property
    def row(self) -> dict[str, Any]:
        """The group as one JSON object."""
        return asdict(self)


def kinds(groups: Sequence[Group]) -> dict[Kind, int]:
    """How many groups there are of each kind."""
    counts: dict[Kind, int] = {"all-right": 0, "all-wrong": 0, "mixed": 0}
    for group in groups:
        counts[group.kind] += 1
    return counts


def reward_bits(groups: Iterable[Group]) -> float:
    """How many bits the rewards can have told at most: of each answer the entropy of being right in its group.

    >>> reward_bits([Group(0, "q", "gold", "4", 8, 4), Group(0, "r", "gold", "4", 8, 8)])
    8.0
    """
    return sum(group.answers * _entropy(group.right / group.answers) for group in groups)


def most_common(answers: Iterable[str | None]) -> str | None:
    """The answer that was given most often, of equals the first; None where none can be read.

    >>> most_common(["4", None, "5", "5"])
    '5'
    """
    counts = Counter(answer for answer in answers if answer is not None)
    return counts.most_common(1)[0][0] if counts else None


def _entropy(share: float) -> float:
    return -sum(part * math.log2(part) for part in (share, 1 - share) if part)


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
