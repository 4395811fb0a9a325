"""Comparison of two results outside a study: counts from different questions, or grades of the same ones.

The record is printed by ``noisy-student compare --json``. ``difference`` is A - B.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from noisy_student.errors import UserError
from noisy_student.evaluation.question_test import question_test, require_same_questions
from noisy_student.records import Grade, Verdict
from noisy_student.statistics.equivalence import CONFIDENCE
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.power import ALPHA, unpaired_mde, unpaired_n
from noisy_student.statistics.unpaired import fisher_p, newcombe, pooled_p

Join = Literal["exact", "inner"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; ``n`` and ``n_needed`` count questions, per arm where unpaired (``n`` is the smaller arm).

    ``n_needed`` would show the observed difference with 80 % power. ``p_fisher`` is None for paired, ``p_exact`` for
    unpaired comparisons and where questions have more than one answer.
    """

    difference: float
    interval: tuple[float, float] | None
    p_value: float | None
    p_fisher: float | None
    p_exact: float | None
    method: str
    paired: bool
    n: int
    mde: float | None
    n_needed: int | None
    verdict: Verdict


def compare_counts(k1: int, n1: int, k2: int, n2: int, *, margin: float | None = None) -> Comparison:
    """Compare two accuracies from different questions: pooled z, Newcombe's interval, Fisher's test."""
    for k, n in ((k1, n1), (k2, n2)):
        if n < 1 or not 0 <= k <= n:
            raise UserError(
                f"{k}/{n} is not a count of right answers.",
                why="The first number must lie between 0 and the second.",
                do="Write it as right/questions, for instance 163/500.",
                code="bad-count",
            )
    difference = k1 / n1 - k2 / n2
    p_value, pooled, n = pooled_p(k1, n1, k2, n2), (k1 + k2) / (n1 + n2), min(n1, n2)
    return Comparison(
        difference=difference,
        interval=newcombe(k1, n1, k2, n2),
        p_value=p_value,
        p_fisher=fisher_p(k1, n1, k2, n2),
        p_exact=None,
        method="pooled z, Newcombe interval",
        paired=False,
        n=n,
        mde=unpaired_mde(pooled, n) if 0 < pooled < 1 else None,
        n_needed=math.ceil(unpaired_n(k1 / n1, k2 / n2)) if difference else None,
        verdict=_verdict(difference, p_value, newcombe(k1, n1, k2, n2, confidence=CONFIDENCE), margin),
    )


def compare_grades(
    a: Iterable[Grade], b: Iterable[Grade], *, margin: float | None = None, join: Join = "exact"
) -> Comparison:
    """Compare two conditions graded on the same questions, joined on question id.

    Several samples of a question are averaged first. Raises UserError for questions in one of the two only, unless
    the join is inner.
    """
    first, second = correctness(a), correctness(b)
    if join == "inner":
        shared = first.keys() & second.keys()
        first, second = {i: first[i] for i in shared}, {i: second[i] for i in shared}
    require_same_questions(first, second, names=("A", "B"))
    test = question_test(first, second)
    measured = {name: value for name, value in asdict(test).items() if name != "narrow"}
    verdict = _verdict(test.difference, test.p_value, test.narrow, margin)
    return Comparison(**measured, p_fisher=None, paired=True, verdict=verdict)


def correctness(grades: Iterable[Grade]) -> Mapping[str, float]:
    """Return the fraction of right samples of each question, exactly 0 or 1 for one sample."""
    rows: dict[str, list[bool]] = {}
    for grade in grades:
        rows.setdefault(grade.question_id, []).append(grade.correct)
    return {question_id: sum(rights) / len(rights) for question_id, rights in rows.items()}


def _verdict(difference: float, p_value: float | None, narrow: Interval | None, margin: float | None) -> Verdict:
    if p_value is not None and p_value <= ALPHA and difference:
        return "helps" if difference > 0 else "hurts"
    if margin is not None and narrow is not None and narrow.within(margin):
        return "no-difference"
    return "undecided"
