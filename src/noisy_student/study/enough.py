"""How many samples a question are enough: the K from which twice as many would gain less than can be seen."""

from __future__ import annotations

from collections.abc import Sequence

Point = Sequence[float]
"""A k and the share of votes over k samples that are right."""


def enough(curve: Sequence[Point], smallest: float) -> int | None:
    """The first k of the curve whose doubling gains less than ``smallest``; None where every doubling gains more.

    The step from 1 to 2 never counts: a vote of two decides nothing that one does not. Nor does a last step that is
    shorter than a doubling.

    >>> enough([(1, 0.5), (2, 0.5), (4, 0.6), (8, 0.65), (16, 0.66)], 0.02)
    8
    """
    for (k, here), (following, there) in zip(curve, curve[1:], strict=False):
        if k > 1 and following >= 2 * k and there - here < smallest:
            return int(k)
    return None
