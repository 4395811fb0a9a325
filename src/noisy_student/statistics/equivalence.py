"""Two one-sided tests (TOST): whether a difference is shown to be smaller than a declared margin.

A p value near 1 is no evidence of equality; only an interval inside the margin is. The 90 % interval decides, since
two one-sided 5 % tests reject exactly when it lies inside (Schuirmann 1987).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from noisy_student.statistics.differences import paired_t
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.paired import PairedCounts, newcombe_paired
from noisy_student.statistics.unpaired import newcombe

CONFIDENCE = 0.90


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The 90 % interval, the margin it was held against, and whether it lies inside."""

    interval: Interval | None
    margin: float
    shown: bool


def equivalence_unpaired(k1: int, n1: int, k2: int, n2: int, *, margin: float) -> Equivalence:
    """TOST for two proportions from different questions, on Newcombe's interval."""
    return _judge(newcombe(k1, n1, k2, n2, confidence=CONFIDENCE), margin)


def equivalence_paired(counts: PairedCounts, *, margin: float) -> Equivalence:
    """TOST for two conditions on the same questions, on Newcombe's paired interval."""
    return _judge(newcombe_paired(counts, confidence=CONFIDENCE), margin)


def equivalence_of_differences(differences: Sequence[float], *, margin: float) -> Equivalence:
    """TOST for paired differences of questions or seeds, on Student's interval."""
    return _judge(paired_t(differences, confidence=CONFIDENCE).interval, margin)


def tost_p(difference: float, se: float, *, margin: float, df: int | None = None) -> float:
    """The larger p value of the two one-sided tests; normal without degrees of freedom.

    >>> round(tost_p(0.002, unpaired_se(135, 500, 134, 500), margin=0.05), 4)
    0.0435
    """
    if se <= 0:
        return 0.0 if abs(difference) < margin else 1.0
    statistic = (margin - abs(difference)) / se
    return float(stats.norm.sf(statistic) if df is None else stats.t.sf(statistic, df))


def unpaired_se(k1: int, n1: int, k2: int, n2: int) -> float:
    """The unpooled standard error of p1 - p2."""
    p1, p2 = k1 / n1, k2 / n2
    return math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)


def _judge(interval: Interval | None, margin: float) -> Equivalence:
    if margin <= 0:
        raise ValueError(f"a margin must be above 0, not {margin}")
    return Equivalence(interval, margin, interval is not None and interval.within(margin))
