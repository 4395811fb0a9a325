"""What K samples are worth: pass@k, and how often the plurality is right.

Tallies or probabilities come in, accuracies go out, summed over every outcome instead of simulated. Ties are split
evenly and samples without an answer never vote, but they stay in K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb, factorial


def pass_at_k(n: int, right: int, *, k: int) -> float:
    """The chance that k of n samples hold a right one, averaged over all subsets (Chen et al. 2021).

    >>> round(pass_at_k(10, 3, k=5), 4)
    0.9167
    """
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"needs 0 <= right <= n and 1 <= k <= n, not right={right}, k={k}, n={n}")
    return 1 - comb(n - right, k) / comb(n, k)


def maj_at_k(tally: Mapping[str, int], correct: str, *, k: int, abstained: int = 0) -> float:
    """The chance that the plurality of k drawn samples is the correct answer, averaged over all subsets of size k.

    >>> round(maj_at_k({"4": 5, "5": 3, "6": 2}, "4", k=5), 4)
    0.6786
    """
    total = sum(tally.values()) + abstained
    if not 1 <= k <= total:
        raise ValueError(f"k must lie in 1..{total}, not {k}")
    own = _choices(tally.get(correct, 0), k)
    rivals = [_choices(count, k) for answer, count in tally.items() if answer != correct]
    return _ways_to_lead(own, rivals, _choices(abstained, k)) / comb(total, k)


def plurality_accuracy(p: float, distractors: Sequence[float], *, k: int) -> float:
    """The chance that the plurality of k independent samples is right.

    ``p`` is the chance of the correct answer, ``distractors`` those of the wrong ones; what is left of 1 abstains.

    >>> round(plurality_accuracy(0.6, [0.4], k=4), 6)
    0.648
    """
    blank = 1 - p - sum(distractors)
    if k < 1 or min(p, *distractors, blank + 1e-9) < 0:
        raise ValueError(f"chances must be 0 or more and sum to at most 1, and k at least 1: {p}, {distractors}, {k}")
    rivals = [_powers(q, k) for q in distractors]
    return _ways_to_lead(_powers(p, k), rivals, _powers(max(0.0, blank), k)) * factorial(k)


def _choices(count: int, k: int) -> list[float]:
    return [float(comb(count, taken)) for taken in range(k + 1)]


def _powers(chance: float, k: int) -> list[float]:
    return [chance**taken / factorial(taken) for taken in range(k + 1)]


def _ways_to_lead(own: list[float], rivals: list[list[float]], blank: list[float]) -> float:
    """The weight of all draws of size k in which the own answer leads; t tied rivals leave 1 / (t + 1) of it."""
    k = len(own) - 1
    weight = 0.0
    for votes in range(1, k + 1):
        if not own[votes]:
            continue
        ways = {(drawn, 0): blank[drawn] for drawn in range(k - votes + 1) if blank[drawn]}
        for rival in rivals:
            ways = _add_rival(ways, rival, votes, k - votes)
        led = sum(way / (ties + 1) for (drawn, ties), way in ways.items() if drawn == k - votes)
        weight += own[votes] * led
    return weight


def _add_rival(
    ways: dict[tuple[int, int], float], rival: list[float], votes: int, room: int
) -> dict[tuple[int, int], float]:
    """The ways after one more rival, which may tie with ``votes`` but not beat them."""
    added: dict[tuple[int, int], float] = {}
    for (drawn, ties), way in ways.items():
        for taken in range(min(votes, room - drawn) + 1):
            if rival[taken]:
                key = (drawn + taken, ties + (taken == votes))
                added[key] = added.get(key, 0.0) + way * rival[taken]
    return added
