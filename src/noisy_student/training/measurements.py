"""Measurements of a training: points of its curve, groups of answers to one question, ends of answers. No torch.

A group whose answers all have the same reward has no advantages, so it changes nothing, whether its label is right or
wrong.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from noisy_student.records import Draw, Origin

GroupKind = Literal["all-right", "all-wrong", "mixed"]


@dataclass(frozen=True, slots=True)
class Point:
    """Mean loss (nats a token) of the steps since the last point, with the state at its last step.

    ``seconds`` counts from the start of training; ``accuracy`` is the share of supervised tokens ranked first, ``kl``
    the divergence from the start model where a trainer computes it, ``reward`` the mean of the answers' rewards. The
    fields after it are TRL's: ``reward_std`` is over the whole batch, not within groups.
    """

    step: int
    loss: float
    seconds: float
    grad_norm: float | None = None
    learning_rate: float | None = None
    accuracy: float | None = None
    entropy: float | None = None
    kl: float | None = None
    reward: float | None = None
    reward_std: float | None = None
    frac_reward_zero_std: float | None = None
    clipped_ratio: float | None = None
    mean_terminated_length: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One question's ``answers`` of one step, of which ``right`` count as right against ``label``.

    ``label`` is None where an online vote had no winner; ``leading`` is the most common answer, None where no answer
    can be read.
    """

    step: int
    question_id: str
    origin: Origin
    label: str | None
    answers: int
    right: int
    leading: str | None = None

    @property
    def kind(self) -> GroupKind:
        """Composition of the group; only mixed ones have advantages.

        >>> Group(0, "q", "gold", "4", answers=8, right=3).kind
        'mixed'
        """
        return "all-wrong" if not self.right else "all-right" if self.right == self.answers else "mixed"


def kinds(groups: Sequence[Group]) -> dict[GroupKind, int]:
    """Count the groups of each kind."""
    found = [group.kind for group in groups]
    return {"all-right": found.count("all-right"), "all-wrong": found.count("all-wrong"), "mixed": found.count("mixed")}


def reward_bits(groups: Iterable[Group]) -> float:
    """Return the upper bound on the information in the rewards: each answer's entropy of being right in its group.

    >>> reward_bits([Group(0, "q", "gold", "4", 8, 4), Group(0, "r", "gold", "4", 8, 8)])
    8.0
    """

    def entropy(share: float) -> float:
        return -sum(part * math.log2(part) for part in (share, 1 - share) if part)

    return sum(group.answers * entropy(group.right / group.answers) for group in groups)


def most_common(answers: Iterable[str | None]) -> str | None:
    """Return the most common answer, the first of equals; None where no answer can be read.

    >>> most_common(["4", None, "5", "5"])
    '5'
    """
    counts = Counter(answer for answer in answers if answer is not None)
    return counts.most_common(1)[0][0] if counts else None


def leading_share_of_all(answers: Iterable[str | None]) -> float:
    """Return the share of the most common answer among all questions, unanswered ones included; 0 without any.

    >>> leading_share_of_all(["4", "4", None, "7"])
    0.5
    """
    every = list(answers)
    leading = most_common(every)
    return 0.0 if leading is None else every.count(leading) / len(every)


def slope(points: Sequence[tuple[int, float]]) -> float | None:
    """Return the slope by least squares of values over steps; None for fewer than two points."""
    return float(statistics.linear_regression(*zip(*points, strict=True)).slope) if len(points) > 1 else None


LONGEST, TIMES, LEAST = 32, 4, 16
"""Limits of a loop: at most LONGEST tokens, TIMES times in a row, LEAST tokens in all, so ``3+3+3+3`` is no loop."""


def loops(token_ids: Sequence[int]) -> bool:
    """Return whether the text ends in a repetition of the same few tokens.

    >>> loops([7, 8] + [1, 2, 3] * 6), loops([3, 4, 3, 4, 3, 4, 3, 4]), loops(list(range(40)))
    (True, False, False)
    """
    ids = list(token_ids)
    spans = ((period, period * max(TIMES, -(-LEAST // period))) for period in range(1, LONGEST + 1))
    return any(span <= len(ids) and ids[-span:-period] == ids[period - span :] for period, span in spans)


def ends(draws: Sequence[Draw]) -> dict[str, Any]:
    """Return facts of a step's answers; shares are of all answers, ``ended_length`` is None where none ended.

    ``looped`` is the share that ends in a loop, ``cut_looped`` the share whose loop was cut by the cap.
    """
    ended = [len(draw.token_ids) for draw in draws if draw.finish == "eos"]
    # The end token is not part of the loop before it.
    looped = [loops(draw.token_ids[:-1] if draw.finish == "eos" else draw.token_ids) for draw in draws]
    return {
        "mean_length": sum(len(draw.token_ids) for draw in draws) / len(draws),
        "stopped": len(ended) / len(draws),
        "ended_length": sum(ended) / len(ended) if ended else None,
        "longest_ended": max(ended, default=None),
        "looped": sum(looped) / len(draws),
        "cut_looped": sum(loop and draw.finish != "eos" for loop, draw in zip(looped, draws, strict=True)) / len(draws),
    }
