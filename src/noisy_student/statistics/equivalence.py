"""Two one-sided tests (TOST): evidence that a difference is smaller than a declared margin.

A p value near 1 is no evidence of equality; only an interval inside the margin is. The 90 % interval decides, since
two one-sided 5 % tests reject exactly when it lies inside (Schuirmann 1987).
"""

from __future__ import annotations

from scipy import stats

from noisy_student.statistics.unpaired import newcombe

CONFIDENCE = 0.90


def equivalent_unpaired(k1: int, n1: int, k2: int, n2: int, *, margin: float) -> bool:
    """Return whether two proportions from different questions are shown to differ by less than the margin.

    TOST on Newcombe's interval. Raises ValueError for a margin that is not above 0.

    >>> equivalent_unpaired(135, 500, 134, 500, margin=0.05), equivalent_unpaired(135, 500, 134, 500, margin=0.02)
    (True, False)
    """
    if margin <= 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    return newcombe(k1, n1, k2, n2, confidence=CONFIDENCE).within(margin)


def tost_p(difference: float, se: float, *, margin: float, df: int | None = None) -> float:
    """Return the larger p value of the two one-sided tests: normal, or Student's t with ``df`` degrees of freedom.

    >>> round(tost_p(0.002, 0.028054, margin=0.05), 4)
    0.0435
    """
    if se <= 0:
        return 0.0 if abs(difference) < margin else 1.0
    statistic = (margin - abs(difference)) / se
    return float(stats.norm.sf(statistic) if df is None else stats.t.sf(statistic, df))
