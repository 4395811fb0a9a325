"""Advice on pseudo-labels from a vote on a few hundred questions: one word, and the number behind it.

The first failing rule of one table gives the advice. The bounds are rules of thumb, printed with every outlook, so that
a reader can disagree with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Advice = Literal["go", "more questions", "better base", "buy labels"]

LEAST_PASS_AT_K = 0.30
"""Below it seven questions in ten have no right sample to vote for (the plan wants a base above 20 % at one)."""
MOST_SE = 0.05
"""Standard error of the precision: above it, 80 % right and 90 % right cannot be told apart."""
LEAST_PRECISION = 0.70
"""Wrong labels cost students (2603.16140 loses 8 to 10 points to truly wrong ones); in the lab all votes, 71 % right,
already teach no more than gold alone (results/combined)."""
LEAST_HEADROOM = 0.05
"""pass@K - pass@1: below it sampling finds hardly anything that the first answer does not."""
LEAST_LABELS = 0.25
"""Right pseudo-labels by labeled questions: fewer cannot move a student that has the labeled ones."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A selection of votes: its threshold as a share of K (None for all), and the labels that it is expected to keep.

    ``precision`` is that of the selected votes, transported by vote count from questions whose answer is known; None
    with its ``se`` where nothing is selected. ``labels`` are those expected of all unlabeled questions.
    """

    min_agreement: float | None
    coverage: float
    coverage_interval: tuple[float, float]
    precision: float | None
    se: float | None
    labels: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """Results of a vote on a few questions; shares are of 1, ``known`` are the questions with a known answer."""

    known: int
    labeled: int
    pass_at_1: float
    pass_at_k: float
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AdviceRule:
    """One row of the table: a name, the value and its bound, whether it holds, and the advice if it does not."""

    name: str
    value: float | None
    bound: float
    holds: bool
    advice: Advice
    reason: str


def advise(prospect: Prospect) -> tuple[Advice, str, tuple[AdviceRule, ...]]:
    """Return the advice, its reason in numbers, and every rule with its value."""
    table = rules(prospect)
    for rule in table:
        if not rule.holds:
            return rule.advice, rule.reason, table
    best = _best(prospect.filters)
    assert best is not None and best.precision is not None, "the rule on precision holds"
    said = f"about {best.labels:.0f} pseudo-labels, {100 * best.precision:.0f} % of them right"
    return "go", f"{said}, beside {prospect.labeled} labeled questions.", table


def rules(prospect: Prospect) -> tuple[AdviceRule, ...]:
    """Return the table of rules, in the order in which they apply."""
    best = _best(prospect.filters)
    precision = best.precision if best is not None else None
    se = best.se if best is not None else None
    right = best.labels * precision if best is not None and precision is not None else 0.0
    share = right / max(1, prospect.labeled)
    headroom = prospect.pass_at_k - prospect.pass_at_1
    return (
        AdviceRule(
            "pass@K",
            prospect.pass_at_k,
            LEAST_PASS_AT_K,
            prospect.pass_at_k >= LEAST_PASS_AT_K,
            "better base",
            f"only {100 * prospect.pass_at_k:.0f} % of the questions have a right sample at all.",
        ),
        AdviceRule(
            "standard error of the precision",
            se,
            MOST_SE,
            precision is None or (se is not None and se <= MOST_SE),
            "buy labels",
            f"{prospect.known} questions with a known answer are too few to measure the precision of the votes.",
        ),
        AdviceRule(
            "precision",
            precision,
            LEAST_PRECISION,
            precision is not None and precision >= LEAST_PRECISION,
            "buy labels",
            "no vote is selected."
            if precision is None
            else f"of the selected votes only {100 * precision:.0f} % are right.",
        ),
        AdviceRule(
            "pass@K - pass@1",
            headroom,
            LEAST_HEADROOM,
            headroom >= LEAST_HEADROOM,
            "buy labels",
            f"more samples solve only {100 * headroom:.1f} more points of questions than one: little to learn.",
        ),
        AdviceRule(
            "right labels by labeled questions",
            share,
            LEAST_LABELS,
            share >= LEAST_LABELS,
            "more questions",
            f"about {right:.0f} right pseudo-labels beside {prospect.labeled} labeled questions are too few.",
        ),
    )


def _best(filters: Sequence[Filter]) -> Filter | None:
    """The selection with the most labels among those that are right often enough; else the most precise one."""
    known = [one for one in filters if one.precision is not None]
    enough = [one for one in known if (one.precision or 0) >= LEAST_PRECISION]
    if enough:
        return max(enough, key=lambda one: one.labels * (one.precision or 0))
    return max(known, key=lambda one: one.precision or 0, default=None)
