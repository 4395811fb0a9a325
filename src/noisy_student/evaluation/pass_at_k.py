"""pass@k and maj@k of one draw of K samples a question, the k where a vote saturates, and gains between two models.

Each point averages over all subsets of size k, so the points of one draw are unbiased and share their noise. Samples
without an answer stay in k and never win; ties are split evenly where the votes of a study do not say otherwise.

pass@1 rises when answers become surer of what the model could do already; pass@K at a large K rises only where the
model solves questions that no earlier sample solved (Yue et al. 2025, arXiv 2504.13837).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from noisy_student import files
from noisy_student.answers.equivalence import merged, same
from noisy_student.records import Finding, Grade, Vote
from noisy_student.statistics.power import ALPHA
from noisy_student.statistics.voting import maj_at_k, pass_at_k

Gain = Literal["learned", "sharpened", "narrowed", "worse", "unclear"]
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
    """Counts the shapes of tallies; many questions share one, so each is summed up once.

    A tie wins as in the votes themselves: where it has a winner (``ties_win``), each tied answer came first equally
    often over all orders of a subset. The point at K is the accuracy of the votes.
    """

    def __init__(self, *, ties_win: bool = True) -> None:
        self._shapes: Counter[_Shape] = Counter()
        self._ties = 1.0 if ties_win else 0.0
        self._right: Counter[int] = Counter()

    def add(self, vote: Vote, truth: str) -> None:
        """Take one question's tally."""
        right = sum(count for answer, count in vote.tally if same(answer, truth))
        wrong = tuple(sorted(count for answer, count in vote.tally if not same(answer, truth)))
        self._shapes[right, vote.abstained, wrong] += 1
        self._right[vote.k] += vote.winner is not None and same(vote.winner, truth)

    def points(self) -> tuple[tuple[int, float], ...]:
        """Each k and the expected share of right votes; none where nothing was added."""
        total, K = self._shapes.total(), max(self._right, default=0)

        def share(k: int) -> float:
            if k == K:
                return self._right[K] / total
            return sum(_led(shape, k, self._ties) * count for shape, count in self._shapes.items()) / total

        return tuple((k, share(k)) for k in (sizes(K) if total else ()))


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


@dataclass(frozen=True, slots=True)
class Tries:
    """One question's K graded samples: the number of right ones, and the counts of the wrong answers."""

    question_id: str
    k: int
    right: int
    wrong: tuple[int, ...]

    def passed(self, k: int) -> float:
        """Return pass@k, unbiased over all subsets of k (Chen et al. 2021)."""
        return pass_at_k(self.k, self.right, k=k)

    def led(self, k: int) -> float:
        """Return maj@k, the chance that the vote of k of the samples is right; ties split evenly."""
        return _led((self.right, self.k - self.right - sum(self.wrong), self.wrong), k)


def tries(grades: Iterable[Grade]) -> list[Tries]:
    """Return the tries of each question, sorted by id."""
    by_question: dict[str, list[Grade]] = {}
    for grade in grades:
        by_question.setdefault(grade.question_id, []).append(grade)
    made = []
    for name, rows in sorted(by_question.items()):
        wrong = Counter(merged([row.answer for row in rows if not row.correct and row.answer is not None]))
        made.append(Tries(name, len(rows), sum(row.correct for row in rows), tuple(sorted(wrong.values()))))
    return made


def read_tries(path: Path) -> list[Tries]:
    """Read the tries of a file with one JSON object a question."""
    return [Tries(**{**row, "wrong": tuple(row["wrong"])}) for row in files.read_jsonl(path)]


def points(every: Sequence[Tries]) -> list[dict[str, float]]:
    """Return pass@k and maj@k for k = 1, 2, 4 … K as means over questions; empty without questions."""
    if not every:
        return []
    return [
        {
            "k": k,
            "pass": sum(one.passed(k) for one in every) / len(every),
            "maj": sum(one.led(k) for one in every) / len(every),
        }
        for k in sizes(every[0].k)
    ]


def gain_kind(one: Finding, many: Finding) -> Gain:
    """Classify a pair of findings at 1 and at K tries by their adjusted p values.

    ``learned``: better at K tries. ``sharpened``: better at one try only. ``narrowed``: better at one try and worse at
    K. ``worse``: worse at one try, or at K without a gain at one. Anything else is ``unclear``.
    """
    up, down = _sure(one, 1), _sure(one, -1)
    if _sure(many, 1):
        return "learned"
    if _sure(many, -1):
        return "narrowed" if up else "worse"
    return "sharpened" if up else "worse" if down else "unclear"


def _sure(finding: Finding, sign: int) -> bool:
    known = finding.difference is not None and finding.p_adjusted is not None
    return known and sign * (finding.difference or 0) > 0 and (finding.p_adjusted or 0) <= ALPHA


def _led(shape: _Shape, k: int, ties: float = 1.0) -> float:
    right, abstained, wrong = shape
    tally = {"right": right, **{str(number): count for number, count in enumerate(wrong)}}
    return maj_at_k(tally, "right", k=k, abstained=abstained, ties=ties)
