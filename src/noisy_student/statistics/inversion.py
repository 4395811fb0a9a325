"""Intervals by inverting a score test: every difference that the test does not reject.

The test comes in as its ``excess``, below 0 where the difference is kept and above where it is rejected, so that
no variance is ever divided by. Bisection is used because the variance may be 0 at the estimate, which stops a
root finder there at once.
"""

from __future__ import annotations

from collections.abc import Callable

from noisy_student.statistics.intervals import Interval

_STEPS = 80  # halvings of a bracket of at most 2: far below the spacing of doubles


def score_interval(excess: Callable[[float], float], estimate: float) -> Interval:
    """The interval of differences in [-1, 1] around the estimate where ``excess`` is not above 0."""
    return Interval(_edge(excess, estimate, -1.0), _edge(excess, estimate, 1.0))


def _edge(excess: Callable[[float], float], kept: float, rejected: float) -> float:
    if excess(rejected) <= 0:
        return rejected
    for _ in range(_STEPS):
        middle = (kept + rejected) / 2
        if excess(middle) > 0:
            rejected = middle
        else:
            kept = middle
    return (kept + rejected) / 2
