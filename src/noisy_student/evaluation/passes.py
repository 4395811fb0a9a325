"""What a model can do in k tries, and how its tries agree: pass@k and maj@k of one draw of K samples a question.

pass@1 rises when answers become surer of what the model could do already; pass@K at a large K rises only where it can
now do what no try of before did (Yue et al. 2025, arXiv 2504.13837).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from noisy_student.answers.equivalence import merged
from noisy_student.evaluation.vote_curve import sizes
from noisy_student.records import Grade
from noisy_student.statistics.voting import maj_at_k, pass_at_k


@dataclass(frozen=True, slots=True)
class Tries:
    """One question's K graded samples: how many are right, strictly right, and the counts of wrong answers."""

    question_id: str
    k: int
    right: int
    strict: int
    wrong: tuple[int, ...]

    @property
    def readable(self) -> int:
        """Samples with an answer."""
        return self.right + sum(self.wrong)

    def passed(self, k: int) -> float:
        """pass@k, unbiased over all subsets of k (Chen et al. 2021)."""
        return pass_at_k(self.k, self.right, k=k)

    def led(self, k: int) -> float:
        """maj@k: the chance that the vote of k of the samples is right, ties split evenly."""
        tally = {"right": self.right, **{str(number): count for number, count in enumerate(self.wrong)}}
        return maj_at_k(tally, "right", k=k, abstained=self.k - self.readable)


def tries(grades: Iterable[Grade]) -> list[Tries]:
    """The tries of each question, sorted by id."""
    by_question: dict[str, list[Grade]] = {}
    for grade in grades:
        by_question.setdefault(grade.question_id, []).append(grade)
    return [_tries(name, by_question[name]) for name in sorted(by_question)]


def points(every: Sequence[Tries]) -> list[dict[str, float]]:
    """pass@k and maj@k for k = 1, 2, 4 … K, as means over questions; none without questions."""
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


def _tries(name: str, grades: Sequence[Grade]) -> Tries:
    right = sum(grade.correct for grade in grades)
    wrong = Counter(merged([grade.answer for grade in grades if not grade.correct and grade.answer is not None]))
    counts = tuple(sorted(wrong.values()))
    return Tries(name, len(grades), right, sum(grade.strict for grade in grades), counts)
