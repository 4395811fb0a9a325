"""Accuracy of a vote over k samples, for every k up to the K that were drawn, and the k at which it saturates.

Each point averages over all subsets of size k (``statistics.voting.maj_at_k``), so the points of one draw are unbiased
and share their noise. Samples without an answer stay in k and never win; ties are split evenly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from noisy_student.answers.equivalence import same
from noisy_student.records import Vote
from noisy_student.statistics.voting import maj_at_k

Point = Sequence[float]
"""A k and the share of votes over k samples that are right."""
_Shape = tuple[int, int, tuple[int, ...]]
"""The right answer's votes, the abstentions, the votes of the wrong answers: all that a point depends on."""


LARGEST = 64
"""The sum over outcomes takes a second a question at 256."""


def sizes(K: int) -> tuple[int, ...]:
    """The k of a curve: powers of two up to ``K``, and ``K`` itself, none above 64.

    >>> sizes(8), sizes(20), sizes(100)[-1]
    ((1, 2, 4, 8), (1, 2, 4, 8, 16, 20), 64)
    """
    last = min(K, LARGEST)
    powers = [2**power for power in range(last.bit_length()) if 2**power < last]
    return (*powers, last)


class VoteCurve:
    """Counts the shapes of tallies; many questions share one, so each is summed up once."""

    def __init__(self) -> None:
        self._shapes: Counter[_Shape] = Counter()
        self._K = 0

    def add(self, vote: Vote, truth: str) -> None:
        """Take one question's tally."""
        right = sum(count for answer, count in vote.tally if same(answer, truth))
        wrong = tuple(sorted(count for answer, count in vote.tally if not same(answer, truth)))
        self._shapes[right, vote.abstained, wrong] += 1
        self._K = max(self._K, vote.k)

    def points(self) -> tuple[tuple[int, float], ...]:
        """Each k and the expected share of right votes; none where nothing was added."""
        total = self._shapes.total()
        return tuple(
            (k, sum(_chance(shape, k) * count for shape, count in self._shapes.items()) / total)
            for k in (sizes(self._K) if total else ())
        )


def saturation(curve: Sequence[Point], smallest: float) -> int | None:
    """Return the first k whose doubling gains less than ``smallest``; None where every doubling gains more.

    The step from 1 to 2 never counts, since a vote of two decides nothing that one does not; nor does a last step that
    is shorter than a doubling.

    >>> saturation([(1, 0.5), (2, 0.5), (4, 0.6), (8, 0.65), (16, 0.66)], 0.02)
    8
    """
    for (k, here), (following, there) in zip(curve, curve[1:], strict=False):
        if k > 1 and following >= 2 * k and there - here < smallest:
            return int(k)
    return None


def _chance(shape: _Shape, k: int) -> float:
    right, abstained, wrong = shape
    tally = {"right": right, **{str(number): count for number, count in enumerate(wrong)}}
    return maj_at_k(tally, "right", k=k, abstained=abstained)
