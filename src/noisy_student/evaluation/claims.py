"""Tests of the claims of a published table, each in its family.

A table holds counts of right answers, so the tests are of different questions (unpaired), whatever was sampled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from noisy_student.errors import UserError, nearest
from noisy_student.evaluation.compare import Comparison, compare_counts
from noisy_student.statistics.equivalence import equivalent_unpaired
from noisy_student.statistics.multiple import benjamini_hochberg, holm
from noisy_student.statistics.power import ALPHA, unpaired_power

Says = Literal["better", "worse", "alike"]
Held = Literal["holds", "not shown", "refuted"]
SAYS: tuple[Says, ...] = ("better", "worse", "alike")
MARGIN = 0.02
"""The default margin within which two accuracies are alike; the same as in the studies."""


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


def judge_claims(
    claims: Sequence[Claim], table: Mapping[str, tuple[int, int]], *, margin: float = MARGIN
) -> list[JudgedClaim]:
    """Test each claim on the counts (right, questions) of ``table``; raises UserError for an unknown name."""
    made: list[Comparison] = []
    for claim in claims:
        for name in (claim.a, claim.b):
            if name not in table:
                raise UserError(
                    f'A claim names "{name}", which the table does not have.',
                    why="A claim compares two rows of the table.",
                    do=nearest(name, table),
                    code="unknown-row",
                )
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
