"""Two proportions from different questions: tests and intervals of p1 - p2.

Counts come in, a p value or an ``Interval`` goes out. Miettinen and Nurminen's interval is our own, because
statsmodels 0.15 returns wrong ends for it and raises on ordinary tables.
"""

from __future__ import annotations

import math

from scipy import stats

from noisy_student.statistics.intervals import Interval, normal_quantile, wilson
from noisy_student.statistics.inversion import score_interval


def pooled_z(k1: int, n1: int, k2: int, n2: int) -> float:
    """The z statistic of two proportions with the pooled variance; 0 where all or none are right.

    >>> round(pooled_z(163, 500, 153, 500), 4)
    0.6802
    """
    pooled = (k1 + k2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    return (k1 / n1 - k2 / n2) / math.sqrt(variance) if variance > 0 else 0.0


def pooled_p(k1: int, n1: int, k2: int, n2: int) -> float:
    """The two-sided p value of ``pooled_z``; 1 where all or none are right."""
    return float(2 * stats.norm.sf(abs(pooled_z(k1, n1, k2, n2))))


def fisher_p(k1: int, n1: int, k2: int, n2: int) -> float:
    """Fisher's exact two-sided p value."""
    return min(1.0, float(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]])[1]))


def newcombe(k1: int, n1: int, k2: int, n2: int, *, confidence: float = 0.95) -> Interval:
    """Newcombe's interval of p1 - p2, method 10: Wilson ends, squared and added (Newcombe 1998).

    >>> low, high = newcombe(163, 500, 153, 500)
    >>> round(low, 4), round(high, 4)
    (-0.0376, 0.0774)
    """
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = wilson(k1, n1, confidence=confidence)
    low2, high2 = wilson(k2, n2, confidence=confidence)
    return Interval(p1 - p2 - math.hypot(p1 - low1, high2 - p2), p1 - p2 + math.hypot(high1 - p1, p2 - low2))


def miettinen_nurminen(k1: int, n1: int, k2: int, n2: int, *, confidence: float = 0.95) -> Interval:
    """The score interval of p1 - p2 with the factor N / (N - 1) (Miettinen and Nurminen 1985)."""
    z = normal_quantile(confidence)
    estimate = k1 / n1 - k2 / n2
    factor = (n1 + n2) / (n1 + n2 - 1)

    def excess(difference: float) -> float:
        p2 = _restricted(k1, n1, k2, n2, difference=difference)
        p1 = min(1.0, max(0.0, p2 + difference))
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * factor
        return (estimate - difference) ** 2 - z * z * variance

    return score_interval(excess, estimate)


def _restricted(k1: int, n1: int, k2: int, n2: int, *, difference: float) -> float:
    """The likeliest p2 given p1 - p2 = difference: the closed root of the cubic (Farrington and Manning 1990)."""
    total = n1 + n2
    a = difference * (n1 + 2 * n2) - total - k1 - k2
    b = (difference * n2 - total - 2 * k2) * difference + k1 + k2
    c = k2 * difference * (1 - difference)
    v = (a / (3 * total)) ** 3 - a * b / (6 * total**2) + c / (2 * total)
    u = math.copysign(math.sqrt(max(0.0, (a / (3 * total)) ** 2 - b / (3 * total))), v)
    if u == 0:
        root = -a / (3 * total)
    else:
        angle = (math.pi + math.acos(min(1.0, max(-1.0, v / u**3)))) / 3
        root = 2 * u * math.cos(angle) - a / (3 * total)
    return min(1.0, 1.0 - difference, max(0.0, -difference, root))
