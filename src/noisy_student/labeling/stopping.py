"""When to stop sampling a question: pure rules, asked after each round with what the samples said so far.

``fixed`` draws all K. ``lossless`` stops once nothing that is still to come can change whether the question is selected
at a threshold, nor its winner. ``beta`` stops once the leader is likely enough to be the likelier of the two first
answers (Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860): its agreement is inflated by the stopping, so it
is never filtered by agreement, nor beside votes over a fixed K.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from noisy_student.answers.equivalence import merged
from noisy_student.labeling.select import votes_needed
from noisy_student.statistics.voting import leader_probability

Ties = Literal["none", "first-seen"]
"""A tie has no winner, or (original protocol) goes to the tied answer that came first."""
Stopping = Literal["fixed", "lossless", "beta"]
Decision = Literal["go", "accept", "give_up"]
Tally = tuple[int, int]
"""The votes of the leading answer and of its runner-up."""
Rule = Callable[[Tally, int, int], Decision]
"""From the tally, the samples drawn and K, to what to do now."""

SURE = 0.95
"""The chance of the leader at which ``beta`` stops, as in its paper."""


def fixed(tally: Tally, drawn: int, K: int) -> Decision:
    """Go on until all K are drawn."""
    return "go" if drawn < K else "accept"


def lossless(threshold: int, *, ties: Ties = "none") -> Rule:
    """The rule for selecting at ``threshold`` of K votes.

    Accepts when the leader has them and nobody can catch up, gives up when nobody can reach them any more. Under
    ``first-seen`` a tie after all K has a winner too.

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
    """Accept when the leader is the likelier of the two first answers with 95 %, or when all K are drawn.

    >>> beta((4, 0), 4, 32), beta((5, 1), 6, 32)
    ('accept', 'go')
    """
    return "accept" if drawn >= K or leader_probability(*tally) >= SURE else "go"


def rule_of(stopping: Stopping, *, min_agreement: float | None, K: int, ties: Ties = "none") -> Rule:
    """The rule of that name; ``min_agreement`` is the share of K at which ``lossless`` selects."""
    if stopping == "lossless":
        assert min_agreement is not None
        return lossless(votes_needed(min_agreement, K), ties=ties)
    return beta if stopping == "beta" else fixed


def round_ends(rule: Rule, K: int, *, step: int = 1) -> tuple[int, ...]:
    """After how many samples the rule is asked: the first time that it can decide, then every ``step``, and K.

    >>> round_ends(lossless(6), 8), round_ends(beta, 16, step=4), round_ends(fixed, 8)
    ((4, 5, 6, 7, 8), (4, 8, 12, 16), (8,))
    """
    first = next(drawn for drawn in range(1, K + 1) if _can_decide(rule, drawn, K))
    return (*range(first, K, step), K)


def tally_of(answers: Iterable[str | None]) -> Tally:
    """The two largest counts of canonical answers; None, no answer, votes for nothing.

    >>> tally_of(["8", None, "8", "9"]), tally_of([])
    ((2, 1), (0, 0))
    """
    counts: dict[str, int] = {}
    for answer in merged(list(answers)):
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    leader, runner_up = sorted((0, 0, *counts.values()))[-1:-3:-1]
    return leader, runner_up


def _can_decide(rule: Rule, drawn: int, K: int) -> bool:
    """Whether some tally of that many samples ends the question; samples without any answer are not waited for."""
    return any(
        rule((leader, runner_up), drawn, K) != "go"
        for leader in range(1, drawn + 1)
        for runner_up in range(min(leader, drawn - leader) + 1)
    )
