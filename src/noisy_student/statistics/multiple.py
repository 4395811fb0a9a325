"""Corrections for many tests: Holm for declared comparisons, Benjamini-Hochberg for exploratory ones.

Adjusted p values keep the order of the input. Both methods are valid for contrasts that share a baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, which control the chance of any false finding (Holm 1979).

    >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's adjusted p values, which control the share of false findings (1995).

    >>> [round(p, 2) for p in benjamini_hochberg([0.01, 0.04, 0.03, 0.005])]
    [0.02, 0.04, 0.04, 0.02]
    """
    return [float(p) for p in stats.false_discovery_control(p_values)]
