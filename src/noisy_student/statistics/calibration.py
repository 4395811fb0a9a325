"""Calibration of confidences: scores, the expected accuracy of an unlabeled pool, and a threshold with a guarantee.

Bins are the attainable levels themselves (agreement has only K + 1 of them), never ten equal widths, which split or
merge levels at random.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

THRESHOLD_ERROR = 0.1
"""Default chance that labels above a threshold are right less often than the precision asked for."""


@dataclass(frozen=True, slots=True)
class Brier:
    """Brier's score and its parts: score = reliability - resolution + uncertainty (Murphy 1973)."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """Labeled questions at one vote count: ``right`` of ``n`` got the right label."""

    right: int
    n: int


@dataclass(frozen=True, slots=True)
class Transported:
    """The expected accuracy of a pool of n questions, its standard error, and the questions that borrowed a level."""

    accuracy: float
    se: float
    n: int
    borrowed: int


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Return the expected calibration error over the attainable levels: mean |accuracy - confidence|.

    Biased upwards for few questions, so print Brier's parts and the AUROC beside it. ValueError for no questions.

    >>> round(calibration_error([0.9] * 10, [True] * 7 + [False] * 3), 3)
    0.2
    """
    levels = _levels(confidences, correct)
    return sum(len(hits) * abs(_mean(hits) - level) for level, hits in levels.items()) / len(confidences)


def brier(confidences: Sequence[float], correct: Sequence[bool]) -> Brier:
    """Return Brier's score and its parts, exact because the levels are the bins; ValueError for no questions."""
    levels = _levels(confidences, correct)
    n = len(confidences)
    base = _mean([float(c) for c in correct])
    reliability = sum(len(hits) * (_mean(hits) - level) ** 2 for level, hits in levels.items()) / n
    resolution = sum(len(hits) * (_mean(hits) - base) ** 2 for hits in levels.values()) / n
    score = sum((p - float(c)) ** 2 for p, c in zip(confidences, correct, strict=True)) / n
    return Brier(score, reliability, resolution, base * (1 - base))


def auroc(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """Return the chance that a right answer beats a wrong one in confidence, ties half; None if either is missing."""
    right = sum(map(bool, correct))
    wrong = len(correct) - right
    if right == 0 or wrong == 0:
        return None
    ranks = stats.rankdata(confidences)
    total = float(np.sum(ranks[np.asarray(correct, dtype=bool)]))
    return (total - right * (right + 1) / 2) / (right * wrong)


def transport(dev: Mapping[int, LevelCounts], pool: Mapping[int, int]) -> Transported | None:
    """Estimate the accuracy of a pool's labels from accuracy by vote count on labeled questions held out of training.

    ``pool`` maps a vote count to its number of questions. The estimate is sum of (U_k / U) acc_k, its variance
    sum of (U_k / U)^2 acc_k (1 - acc_k) / n_k. A count that no labeled question reached borrows the nearest count
    below it, or the lowest count if none is below, and its questions are counted in ``borrowed``. None for an empty
    pool or no labeled questions.
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


def least_votes(levels: Mapping[int, LevelCounts], precision: float, *, error: float = THRESHOLD_ERROR) -> int | None:
    """Return the least vote count from which on labels reach ``precision``; None if not even the highest shows it.

    Thresholds are tested from the strictest down, and the first failure ends the search (fixed sequence testing,
    Angelopoulos et al. 2021, "Learn then Test", arXiv 2110.01052), so one ``error`` covers all of them. A threshold
    passes if P(Bin(n, precision) >= right) <= error. A threshold with too few questions to pass even if all were right
    is skipped; the skipped ones depend on n and ``precision``, never on ``right``, so a lower precision is not always
    easier to show. The guarantee covers only questions drawn like the labeled ones.

    >>> least_votes({8: LevelCounts(60, 60), 7: LevelCounts(9, 10), 6: LevelCounts(5, 10)}, 0.9)
    7
    """
    found, right, asked = None, 0, 0
    for votes in sorted(levels, reverse=True):
        if votes < 1 or not levels[votes].n:
            continue
        right += levels[votes].right
        asked += levels[votes].n
        if precision**asked > error:
            continue
        if float(stats.binom.sf(right - 1, asked, precision)) > error:
            break
        found = votes
    return found


def _levels(confidences: Sequence[float], correct: Sequence[bool]) -> dict[float, list[float]]:
    if not confidences:
        raise ValueError("calibration needs at least one question")
    levels: dict[float, list[float]] = {}
    for confidence, right in zip(confidences, correct, strict=True):
        levels.setdefault(float(confidence), []).append(float(right))
    return levels


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
