"""The loosest threshold whose labels are right often enough, with a bound on the chance of being wrong about it.

Right and asked questions by vote count come in, a vote count goes out. Thresholds are tested from the strictest down
and the first that fails ends it (fixed sequence testing, Angelopoulos et al. 2021, "Learn then Test", arXiv
2110.01052): so one level of error serves all of them. Where the test begins depends on how many questions reached a
threshold, never on how many are right. It holds for questions drawn like those that were asked, and for no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from scipy import stats

from noisy_student.statistics.calibration import Level

ERROR = 0.1
"""The chance that labels above the threshold are right less often than was asked for."""


def least_votes(levels: Mapping[int, Level], precision: float, *, error: float = ERROR) -> int | None:
    """The least vote count from which on labels are right with ``precision``; None where not even the highest shows it.

    A threshold holds where as many right answers would come in at most ``error`` of all cases from labels that are
    right less often: P(Bin(n, precision) >= right) <= error. One that so few questions reached that it could not hold
    even if all of them were right is passed over; which these are depends on ``precision``, so a lower one is not
    always easier to show.

    >>> least_votes({8: Level(60, 60), 7: Level(9, 10), 6: Level(5, 10)}, 0.9)
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
