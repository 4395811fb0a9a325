"""Whether the vote is right more often than not, and how many samples it takes: K = 4, then 8, then 16."""

from __future__ import annotations

from collections.abc import Mapping

from noisy_student.evaluation.preflight.check import Check, Result, share, with_interval
from noisy_student.evaluation.preflight.facts import Facts, Votes
from noisy_student.statistics.intervals import wilson

NAME = "vote-accuracy"
LEAST = 0.5
"""The plan's threshold, "Pre-flight Checks", 2: 38 % at K = 4 was too little, 52 % at K = 8 enough."""


def passes(right: int, questions: int) -> bool:
    """Whether the interval lies above the threshold, so that no more samples are needed.

    >>> passes(52, 100), passes(70, 100)
    (False, True)
    """
    return questions > 0 and wilson(right, questions).low >= LEAST


def judge(facts: Facts) -> Check | None:
    """Of the largest K that was drawn: pass above the threshold, fail below it, unsure where the interval holds it."""
    if not facts.votes:
        return None
    last = facts.votes[-1]
    interval = wilson(last.right, last.questions)
    outcome: Result = "pass" if passes(last.right, last.questions) else "fail" if interval.high < LEAST else "unsure"
    tried = ", ".join(f"K = {vote.K}: {share(vote.right, vote.questions)}" for vote in facts.votes)
    detail = f"{tried}; {_unanimous(last)}; of {facts.asked}"
    return Check(
        NAME,
        outcome,
        last.right / last.questions,
        f"maj@{last.K} {with_interval(last.right, last.questions, interval)}",
        f"at least {LEAST:.0%}",
        _remedy(outcome, last, facts),
        detail,
    )


def _remedy(outcome: Result, last: Votes, facts: Facts) -> str | None:
    if outcome == "pass":
        return _more(last.K, facts.labels) or None
    best = max(facts.votes, key=lambda vote: vote.right)
    more = _more(best.K, facts.labels)
    agreed = "learn from agreed votes only (--set conditions.NAME.select.min_agreement=0.75), or take a stronger model"
    return f"{more}; {agreed}" if more else agreed[0].upper() + agreed[1:]


def _more(K: int, labels: Mapping[str, int]) -> str:
    """The arguments that give every set of labels at least K samples."""
    return " ".join(f"--set labels.{name}.K={K}" for name, drawn in labels.items() if drawn < K)


def _unanimous(vote: Votes) -> str:
    if not vote.unanimous:
        return f"no question had all {vote.K} alike"
    return f"{vote.unanimous_right} of {vote.unanimous} right where all {vote.K} agree"
