"""Whether stated confidence matches accuracy, and what accuracy a pool without answers probably has.

Confidences and outcomes come in. Bins are the attainable levels themselves (agreement has only K + 1 of them), never
ten equal widths, which split or merge levels at random.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Brier:
    """Brier's score split up: score = reliability - resolution + uncertainty (Murphy 1973)."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Level:
    """How many of n labeled questions at one vote count were labeled right."""

    right: int
    n: int


@dataclass(frozen=True, slots=True)
class Transported:
    """The accuracy expected in a pool, its standard error, and how many pool questions had no level of their own."""

    accuracy: float
    se: float
    n: int
    borrowed: int


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """The expected calibration error over the attainable levels: mean |accuracy - confidence|.

    Biased upwards for few questions, so print Brier's parts and the AUROC beside it.

    >>> round(calibration_error([0.9] * 10, [True] * 7 + [False] * 3), 3)
    0.2
    """
    levels = _levels(confidences, correct)
    return sum(len(hits) * abs(_mean(hits) - level) for level, hits in levels.items()) / len(confidences)


def brier(confidences: Sequence[float], correct: Sequence[bool]) -> Brier:
    """Brier's score and its parts, exact because the levels are the bins."""
    levels = _levels(confidences, correct)
    n = len(confidences)
    base = _mean([float(c) for c in correct])
    reliability = sum(len(hits) * (_mean(hits) - level) ** 2 for level, hits in levels.items()) / n
    resolution = sum(len(hits) * (_mean(hits) - base) ** 2 for hits in levels.values()) / n
    score = sum((p - float(c)) ** 2 for p, c in zip(confidences, correct, strict=True)) / n
    return Brier(score, reliability, resolution, base * (1 - base))


def auroc(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """The chance that a right answer has more confidence than a wrong one, ties half; None if one kind is missing."""
    right = sum(map(bool, correct))
    wrong = len(correct) - right
    if right == 0 or wrong == 0:
        return None
    ranks = stats.rankdata(confidences)
    total = float(np.sum(ranks[np.asarray(correct, dtype=bool)]))
    return (total - right * (right + 1) / 2) / (right * wrong)


def transport(dev: Mapping[int, Level], pool: Mapping[int, int]) -> Transported | None:
    """The accuracy of a pool's labels, from accuracy by vote count on labeled questions that were not trained on.

    ``pool`` maps a vote count to its number of questions. sum of (U_k / U) acc_k, with the squared error
    sum of (U_k / U)^2 acc_k (1 - acc_k) / n_k. A count that no labeled question reached borrows the nearest count
    below it, or above it if there is none below, and is counted in ``borrowed``. None where nothing can be said.
    """
    known = sorted(count for count, level in dev.items() if level.n > 0)
    total = sum(pool.values())
    if not known or total == 0:
        return None
    weights = dict.fromkeys(known, 0)
    borrowed = 0
    for count, questions in pool.items():
        source = max((k for k in known if k <= count), default=known[0])
        weights[source] += questions
        borrowed += questions if source != count else 0
    accuracy = variance = 0.0
    for count, questions in weights.items():
        share, rate = questions / total, dev[count].right / dev[count].n
        accuracy += share * rate
        variance += share * share * rate * (1 - rate) / dev[count].n
    return Transported(accuracy, math.sqrt(variance), total, borrowed)


def _levels(confidences: Sequence[float], correct: Sequence[bool]) -> dict[float, list[float]]:
    if not confidences:
        raise ValueError("calibration of no questions is undefined")
    levels: dict[float, list[float]] = {}
    for confidence, right in zip(confidences, correct, strict=True):
        levels.setdefault(float(confidence), []).append(float(right))
    return levels


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
