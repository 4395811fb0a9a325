"""Stopping rules for sampling one question: pure functions of the tally so far, applied after each batch of samples.

``fixed`` draws all K. ``lossless`` stops once no further sample can change the winner or whether the question reaches a
threshold. ``beta`` stops once the leader is the likelier of the two leading answers with 95 % probability
(Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860); stopping inflates its agreement, so its votes are never
filtered by agreement or mixed with votes over a fixed K.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from noisy_student.answers.equivalence import merged
from noisy_student.answers.placeholders import is_placeholder
from noisy_student.statistics.voting import leader_probability

Ties = Literal["none", "first-seen"]
"""A tie has no winner, or (original protocol) goes to the tied answer that came first."""
Stopping = Literal["fixed", "lossless", "beta"]
Decision = Literal["go", "accept", "give_up"]
Tally = tuple[int, int]
"""Votes of the leading answer and of the runner-up."""
Rule = Callable[[Tally, int, int], Decision]
"""Maps tally, number of samples drawn and K to a decision."""

SURE = 0.95
"""Probability of the leader at which ``beta`` stops, as in its paper."""


def votes_needed(min_agreement: float, k: int) -> int:
    """Return the whole number of votes out of ``k`` that reaches ``min_agreement``; 1e-9 forgives binary fractions.

    >>> votes_needed(0.75, 8), votes_needed(0.8, 8), votes_needed(0.07, 100)
    (6, 7, 7)
    """
    return max(1, math.ceil(min_agreement * k - 1e-9))


def fixed(tally: Tally, drawn: int, K: int) -> Decision:
    """Draw all K samples."""
    return "go" if drawn < K else "accept"


def lossless(threshold: int, *, ties: Ties = "none") -> Rule:
    """Return the rule that is exact for a selection at ``threshold`` of K votes.

    It accepts once the leader has the votes and cannot be caught, and gives up once no answer can reach them. With
    ``first-seen`` a tie after all K samples has a winner too.

    >>> rule = lossless(6)
    >>> rule((6, 1), 7, 8), rule((2, 2), 5, 8), rule((5, 0), 5, 8)
    ('accept', 'give_up', 'go')
    """

    def rule(tally: Tally, drawn: int, K: int) -> Decision:
        leader, runner_up = tally
        left = K - drawn
        if leader + left < threshold:
            return "give_up"
        if leader >= threshold and leader - runner_up > left:
            return "accept"
        if left:
            return "go"
        return "accept" if leader >= threshold and ties == "first-seen" else "give_up"

    return rule


def beta(tally: Tally, drawn: int, K: int) -> Decision:
    """Accept once the leader is the likelier of the two leading answers with 95 % probability, or at K samples.

    >>> beta((4, 0), 4, 32), beta((5, 1), 6, 32)
    ('accept', 'go')
    """
    return "accept" if drawn >= K or leader_probability(*tally) >= SURE else "go"


def rule_of(stopping: Stopping, *, min_agreement: float | None, K: int, ties: Ties = "none") -> Rule:
    """Return the rule of that name; ``min_agreement`` is the share of K at which ``lossless`` selects."""
    if stopping == "lossless":
        assert min_agreement is not None
        return lossless(votes_needed(min_agreement, K), ties=ties)
    return beta if stopping == "beta" else fixed


def round_ends(rule: Rule, K: int, *, step: int = 1) -> tuple[int, ...]:
    """Return the sample counts at which the rule is applied: the first that can decide, then every ``step``, and K.

    >>> round_ends(lossless(6), 8), round_ends(beta, 16, step=4), round_ends(fixed, 8)
    ((4, 5, 6, 7, 8), (4, 8, 12, 16), (8,))
    """
    first = next(drawn for drawn in range(1, K + 1) if _can_decide(rule, drawn, K))
    return (*range(first, K, step), K)


def tally_of(answers: Iterable[str | None]) -> Tally:
    """Return the two largest counts of canonical answers; None is no answer and has no vote.

    >>> tally_of(["8", None, "8", "9"]), tally_of([])
    ((2, 1), (0, 0))
    """
    leader, runner_up = sorted((0, 0, *counts_of(list(answers)).values()))[-1:-3:-1]
    return leader, runner_up


def counts_of(answers: Sequence[str | None]) -> dict[str, int]:
    """Return the votes of each answer, equal LaTeX merged, in the order of their first vote.

    None and placeholders (``nan``, ``[invalid]``, blank) are no answer.
    """
    given = [answer for answer in answers if answer is not None and not is_placeholder(answer)]
    return dict(Counter(answer for answer in merged(given) if answer is not None))


def _can_decide(rule: Rule, drawn: int, K: int) -> bool:
    """True if some tally of ``drawn`` samples ends the question."""
    return any(
        rule((leader, runner_up), drawn, K) != "go"
        for leader in range(1, drawn + 1)
        for runner_up in range(min(leader, drawn - leader) + 1)
    )
