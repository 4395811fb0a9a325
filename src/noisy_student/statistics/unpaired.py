"""Two proportions from different questions: tests, an interval of p1 - p2 and equivalence, from counts.

Two one-sided tests (TOST) are evidence that a difference is smaller than a declared margin; a p value near 1 is not.
The 90 % interval decides, since two one-sided 5 % tests reject exactly when it lies inside (Schuirmann 1987).
"""

from __future__ import annotations

import math

from scipy import stats

from noisy_student.statistics.intervals import Interval, wilson


def pooled_z(k1: int, n1: int, k2: int, n2: int) -> float:
    """Return the z statistic of two proportions with the pooled variance; 0 if all or no answers are right.

    >>> round(pooled_z(163, 500, 153, 500), 4)
    0.6802
    """
    pooled = (k1 + k2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    return (k1 / n1 - k2 / n2) / math.sqrt(variance) if variance > 0 else 0.0


def pooled_p(k1: int, n1: int, k2: int, n2: int) -> float:
    """Return the two-sided p value of ``pooled_z``; 1 if all or no answers are right."""
    return float(2 * stats.norm.sf(abs(pooled_z(k1, n1, k2, n2))))


def fisher_p(k1: int, n1: int, k2: int, n2: int) -> float:
    """Return Fisher's exact two-sided p value."""
    return min(1.0, float(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]])[1]))


def newcombe(k1: int, n1: int, k2: int, n2: int, *, confidence: float = 0.95) -> Interval:
    """Return Newcombe's interval of p1 - p2, method 10: Wilson ends, squared and added (Newcombe 1998).

    >>> low, high = newcombe(163, 500, 153, 500)
    >>> round(low, 4), round(high, 4)
    (-0.0376, 0.0774)
    """
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = wilson(k1, n1, confidence=confidence)
    low2, high2 = wilson(k2, n2, confidence=confidence)
    return Interval(p1 - p2 - math.hypot(p1 - low1, high2 - p2), p1 - p2 + math.hypot(high1 - p1, p2 - low2))


EQUIVALENCE_CONFIDENCE = 0.90


def equivalent_unpaired(k1: int, n1: int, k2: int, n2: int, *, margin: float) -> bool:
    """Return whether two proportions from different questions are shown to differ by less than the margin.

    TOST on Newcombe's interval. Raises ValueError for a margin that is not above 0.

    >>> equivalent_unpaired(135, 500, 134, 500, margin=0.05), equivalent_unpaired(135, 500, 134, 500, margin=0.02)
    (True, False)
    """
    if margin <= 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    return newcombe(k1, n1, k2, n2, confidence=EQUIVALENCE_CONFIDENCE).within(margin)


def tost_p(difference: float, se: float, *, margin: float, df: int | None = None) -> float:
    """Return the larger p value of the two one-sided tests: normal, or Student's t with ``df`` degrees of freedom.

    >>> round(tost_p(0.002, 0.028054, margin=0.05), 4)
    0.0435
    """
    if se <= 0:
        return 0.0 if abs(difference) < margin else 1.0
    statistic = (margin - abs(difference)) / se
    return float(stats.norm.sf(statistic) if df is None else stats.t.sf(statistic, df))
