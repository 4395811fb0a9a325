"""pass@k and maj@k of one draw of K samples a question, and the kind of gain between two models.

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
from noisy_student.answers.equivalence import merged
from noisy_student.evaluation.vote_curve import sizes
from noisy_student.records import Finding, Grade
from noisy_student.statistics.power import ALPHA
from noisy_student.statistics.voting import maj_at_k, pass_at_k

Gain = Literal["learned", "sharpened", "narrowed", "worse", "unclear"]


@dataclass(frozen=True, slots=True)
class Tries:
    """One question's K graded samples: the number of right ones, and the counts of the wrong answers."""

    question_id: str
    k: int
    right: int
    wrong: tuple[int, ...]

    @property
    def readable(self) -> int:
        """Samples with an answer."""
        return self.right + sum(self.wrong)

    def passed(self, k: int) -> float:
        """Return pass@k, unbiased over all subsets of k (Chen et al. 2021)."""
        return pass_at_k(self.k, self.right, k=k)

    def led(self, k: int) -> float:
        """Return maj@k, the chance that the vote of k of the samples is right; ties split evenly."""
        tally = {"right": self.right, **{str(number): count for number, count in enumerate(self.wrong)}}
        return maj_at_k(tally, "right", k=k, abstained=self.k - self.readable)


def tries(grades: Iterable[Grade]) -> list[Tries]:
    """Return the tries of each question, sorted by id."""
    by_question: dict[str, list[Grade]] = {}
    for grade in grades:
        by_question.setdefault(grade.question_id, []).append(grade)
    return [_tries(name, by_question[name]) for name in sorted(by_question)]


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


def _tries(name: str, grades: Sequence[Grade]) -> Tries:
    right = sum(grade.correct for grade in grades)
    wrong = Counter(merged([grade.answer for grade in grades if not grade.correct and grade.answer is not None]))
    return Tries(name, len(grades), right, tuple(sorted(wrong.values())))
