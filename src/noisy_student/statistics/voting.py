"""Value of K samples: pass@k, majority@k, and the chance that a leader stays ahead.

Results are exact sums over every outcome, not simulations. Ties are split evenly unless stated; samples without an
answer never vote but count in K.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb


def pass_at_k(n: int, right: int, *, k: int) -> float:
    """Return the chance that k of n samples include a right one, averaged over all subsets (Chen et al. 2021).

    Raises ValueError unless 0 <= right <= n and 1 <= k <= n.

    >>> round(pass_at_k(10, 3, k=5), 4)
    0.9167
    """
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"needs 0 <= right <= n and 1 <= k <= n, got right={right}, k={k}, n={n}")
    return 1 - comb(n - right, k) / comb(n, k)


def maj_at_k(tally: Mapping[str, int], correct: str, *, k: int, abstained: int = 0, ties: float = 1.0) -> float:
    """Return the chance that the plurality of k drawn samples is ``correct``, averaged over all subsets of size k.

    ``ties`` is the credit that tied answers share: 1 where one of them wins, 0 where a tie has no winner.
    Raises ValueError for k outside 1 to the number of samples.

    >>> round(maj_at_k({"4": 5, "5": 3, "6": 2}, "4", k=5), 4)
    0.6786
    """
    total = sum(tally.values()) + abstained
    if not 1 <= k <= total:
        raise ValueError(f"k must lie in 1..{total}, got {k}")
    own = _choices(tally.get(correct, 0), k)
    rivals = [_choices(count, k) for answer, count in tally.items() if answer != correct]
    return _ways_to_lead(own, rivals, _choices(abstained, k), ties) / comb(total, k)


def leader_probability(leader: int, runner_up: int) -> float:
    """Return the chance that the leader of two answers is the likelier one, under a flat prior.

    P(Bin(a + b + 1, 1/2) <= a), the closed form of Adaptive-Consistency's integral (Aggarwal et al. 2023).

    >>> leader_probability(4, 0)
    0.96875
    """
    tosses = leader + runner_up + 1
    return sum(comb(tosses, heads) for heads in range(leader + 1)) / 2.0**tosses


def _choices(count: int, k: int) -> list[float]:
    return [float(comb(count, taken)) for taken in range(k + 1)]


def _ways_to_lead(own: list[float], rivals: list[list[float]], blank: list[float], ties: float) -> float:
    """Return the weight of all draws of size k that the own answer leads; t tied rivals leave ``ties`` / (t + 1)."""
    k = len(own) - 1
    weight = 0.0
    for votes in range(1, k + 1):
        if not own[votes]:
            continue
        ways = {(drawn, 0): blank[drawn] for drawn in range(k - votes + 1) if blank[drawn]}
        for rival in rivals:
            ways = _add_rival(ways, rival, votes, k - votes)
        full = [(tied, way) for (drawn, tied), way in ways.items() if drawn == k - votes]
        led = sum(way * ties / (tied + 1) if tied else way for tied, way in full)
        weight += own[votes] * led
    return weight


def _add_rival(
    ways: dict[tuple[int, int], float], rival: list[float], votes: int, room: int
) -> dict[tuple[int, int], float]:
    """Return the ways after one more rival, which may tie with ``votes`` but not beat them."""
    added: dict[tuple[int, int], float] = {}
    for (drawn, ties), way in ways.items():
        for taken in range(min(votes, room - drawn) + 1):
            if rival[taken]:
                key = (drawn + taken, ties + (taken == votes))
                added[key] = added.get(key, 0.0) + way * rival[taken]
    return added
