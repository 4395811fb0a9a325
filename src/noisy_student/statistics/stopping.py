"""What early stopping of a vote costs and what it keeps: closed forms and exact sums.

The rules themselves live in ``labeling``; here are the chance that a leader stays ahead and the expected number of
draws. Stopping early inflates agreement, so such votes must not be filtered beside fixed-K ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True, slots=True)
class StoppedVote:
    """The expected number of draws and the chance that the vote is right."""

    draws: float
    accuracy: float


def leader_probability(leader: int, runner_up: int) -> float:
    """The chance that the leader of two answers is the likelier one, under a flat prior.

    P(Bin(a + b + 1, 1/2) <= a), the closed form of Adaptive-Consistency's integral (Aggarwal et al. 2023).

    >>> leader_probability(4, 0)
    0.96875
    """
    tosses = leader + runner_up + 1
    return sum(comb(tosses, heads) for heads in range(leader + 1)) / 2.0**tosses


def adaptive_consistency(p: float, *, threshold: float, cap: int) -> StoppedVote:
    """Draws and accuracy of Adaptive-Consistency on a question with two answers, the right one of chance p."""
    going = {(0, 0): 1.0}
    draws = accuracy = 0.0
    while going:
        following: dict[tuple[int, int], float] = {}
        for (right, wrong), chance in going.items():
            for state, step in (((right + 1, wrong), p), ((right, wrong + 1), 1 - p)):
                following[state] = following.get(state, 0.0) + chance * step
        going = {}
        for (right, wrong), chance in following.items():
            if right + wrong < cap and leader_probability(max(right, wrong), min(right, wrong)) < threshold:
                going[right, wrong] = chance
            else:
                draws += chance * (right + wrong)
                accuracy += chance * (0.5 if right == wrong else float(right > wrong))
    return StoppedVote(draws, accuracy)


def window_draws(chances: Sequence[float], *, window: int, cap: int) -> float:
    """The expected draws when sampling stops at the first unanimous window (early-stopping self-consistency).

    w (1 - (1 - u)^(cap / w)) / u with u = sum of p^w (Li et al. 2024, arXiv 2401.10480).
    """
    if cap % window:
        raise ValueError(f"the cap {cap} is not a whole number of windows of {window}")
    unanimous = sum(p**window for p in chances)
    if unanimous == 0:
        return float(cap)
    return float(window * (1 - (1 - unanimous) ** (cap // window)) / unanimous)
