"""Comparison of results outside a study: counts from different questions, grades of the same ones, published claims.

The record is printed by ``noisy-student compare --json``. ``difference`` is A - B.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from noisy_student.errors import UserError, require_known
from noisy_student.evaluation.question_test import question_test, require_same_questions
from noisy_student.records import Grade, Verdict
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.multiple import benjamini_hochberg, holm
from noisy_student.statistics.power import ALPHA, unpaired_mde, unpaired_n, unpaired_power
from noisy_student.statistics.unpaired import EQUIVALENCE_CONFIDENCE, equivalent_unpaired, fisher_p, newcombe, pooled_p

Join = Literal["exact", "inner"]
Says = Literal["better", "worse", "alike"]
Held = Literal["holds", "not shown", "refuted"]
SAYS: tuple[Says, ...] = ("better", "worse", "alike")
MARGIN = 0.02
"""The default margin within which two accuracies are alike; the same as in the studies."""


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


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that ``a`` is better than ``b``, or worse, or alike; ``source`` quotes it."""

    a: str
    b: str
    says: Says
    family: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim with its test; p is adjusted within its family, of which ``size`` claims were made.

    ``power`` is the chance of a significant difference if the true one is as large as the one observed; it is no
    evidence, since a difference that was selected for being large is larger than the true one.
    """

    claim: Claim
    comparison: Comparison
    p_holm: float
    p_bh: float
    size: int
    power: float | None
    held: Held


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
        verdict=_verdict(difference, p_value, newcombe(k1, n1, k2, n2, confidence=EQUIVALENCE_CONFIDENCE), margin),
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


def judge_claims(
    claims: Sequence[Claim], table: Mapping[str, tuple[int, int]], *, margin: float = MARGIN
) -> list[JudgedClaim]:
    """Test each claim on the counts (right, questions) of ``table``; raises UserError for an unknown name.

    Counts are of different questions (unpaired), whatever was sampled.
    """
    made: list[Comparison] = []
    for claim in claims:
        for name in (claim.a, claim.b):
            require_known(name, table, f'A claim names "{name}", which the table does not have.', code="unknown-row")
        made.append(compare_counts(*table[claim.a], *table[claim.b], margin=margin))
    judged: dict[int, JudgedClaim] = {}
    for family in dict.fromkeys(claim.family for claim in claims):
        places = [place for place, claim in enumerate(claims) if claim.family == family]
        # An accuracy of 0 or 1 on both sides has no p, and is no evidence.
        p_values = [1.0 if (p := made[place].p_value) is None else p for place in places]
        for place, p_holm, p_bh in zip(places, holm(p_values), benjamini_hochberg(p_values), strict=True):
            claim, counts = claims[place], (*table[claims[place].a], *table[claims[place].b])
            if claim.says == "alike":
                held = _alike(made[place], equivalent_unpaired(*counts, margin=margin), margin)
            else:
                held = _differs(claim.says, made[place], p_holm)
            judged[place] = JudgedClaim(claim, made[place], p_holm, p_bh, len(places), _power(*counts), held)
    return [judged[place] for place in range(len(claims))]


def _verdict(difference: float, p_value: float | None, narrow: Interval | None, margin: float | None) -> Verdict:
    if p_value is not None and p_value <= ALPHA and difference:
        return "helps" if difference > 0 else "hurts"
    if margin is not None and narrow is not None and narrow.within(margin):
        return "no-difference"
    return "undecided"


def _alike(made: Comparison, shown: bool, margin: float) -> Held:
    apart = made.interval is not None and (made.interval[0] > margin or made.interval[1] < -margin)
    return "holds" if shown else "refuted" if apart else "not shown"


def _differs(says: Says, made: Comparison, p_holm: float) -> Held:
    if p_holm > ALPHA:
        return "not shown"
    return "holds" if (made.difference > 0) == (says == "better") else "refuted"


def _power(k1: int, n1: int, k2: int, n2: int) -> float | None:
    if k1 / n1 == k2 / n2:
        return None
    found = unpaired_power(k1 / n1, k2 / n2, min(n1, n2))
    return found if math.isfinite(found) else None
