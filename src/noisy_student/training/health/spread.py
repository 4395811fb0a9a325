"""How many groups would be mixed if they were larger: a beta-binomial fitted to those at hand by its moments."""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.training.groups import Group


def mixed_share(groups: Sequence[Group], generations: int) -> float | None:
    """The expected share of mixed groups with so many answers each, for questions like those of ``groups``.

    Questions differ in how often they are answered rightly; two answers to one question tell by how much: the mean of
    r (r - 1) / (n (n - 1)) estimates the mean square of that share without bias (Skellam 1948). None without groups.

    >>> halves = [Group(0, str(n), "gold", "4", answers=2, right=n % 2) for n in range(8)]
    >>> round(mixed_share(halves, 2), 2), round(mixed_share(halves, 8), 2)
    (0.38, 0.9)
    """
    if not groups:
        return None
    mean = sum(group.right / group.answers for group in groups) / len(groups)
    if mean in (0.0, 1.0):
        return 0.0
    square = sum(group.right * (group.right - 1) / (group.answers * (group.answers - 1)) for group in groups)
    alike = (square / len(groups) - mean * mean) / (mean * (1 - mean))
    if alike >= 1:
        return 0.0
    if alike <= 0:
        return 1 - mean**generations - (1 - mean) ** generations
    both = 1 / alike - 1
    right = wrong = 1.0
    for drawn in range(generations):
        right *= (both * mean + drawn) / (both + drawn)
        wrong *= (both * (1 - mean) + drawn) / (both + drawn)
    return 1 - right - wrong
