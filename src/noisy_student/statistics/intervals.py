"""Intervals and standard errors of one mean or one proportion.

No proportion gets a Wald interval: it is too narrow for a few hundred questions (Bowyer et al. 2025, arXiv 2503.01747).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float

    def within(self, margin: float) -> bool:
        """Return whether the interval lies strictly inside (-margin, margin).

        >>> Interval(-0.01, 0.015).within(0.02)
        True
        """
        return -margin < self.low and self.high < margin


def wilson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of k right out of n, clipped to [0, 1] (Wilson 1927).

    ``scipy.stats.binomtest(k, n).proportion_ci`` agrees within 1e-15 and is not used: it differs in the last digits,
    which results files hold, and takes six times as long. Raises ValueError unless 0 <= k <= n and n > 0.

    >>> low, high = wilson(105, 500)
    >>> round(low, 4), round(high, 4)
    (0.1766, 0.2478)
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"k must lie in 0..n and n above 0, got k={k}, n={n}")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the edges rounding leaves 4e-19 or 1 - 1e-16, which a reader takes for a bug.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(low, high)


def mean_se(values: Sequence[float]) -> float | None:
    """Return the standard error of a mean, sd (n - 1) / sqrt(n); None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def t_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval | None:
    """Return Student's interval of a mean, for instance over training seeds; None for fewer than two values.

    >>> low, high = t_interval([27.0, 28.0, 26.2])
    >>> round(low, 3), round(high, 3)
    (24.826, 29.307)
    """
    se = mean_se(values)
    if se is None:
        return None
    mean = float(np.mean(values))
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * se
    return Interval(mean - half, mean + half)
