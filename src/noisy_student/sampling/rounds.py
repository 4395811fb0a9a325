"""Rounds of samples: after each one a question is asked whether it needs more, and is left alone once it does not.

A question's samples are always drawn in the order of k and up to the end of a round, so what a rule sees is a prefix
of what a full draw would give, and the first sample that reaches an answer stays the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noisy_student.records import Draw

Go = Callable[[int, Sequence[Draw]], bool]
"""From a prompt's position and its draws so far, by k: whether to draw the next round."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """After how many samples a question is asked (rising, the last is K and asks nothing), and what it is asked."""

    ends: tuple[int, ...]
    go: Go


def draw_in_rounds(
    draw: Callable[[Sequence[int], Sequence[Sequence[int]]], list[list[Draw]]],
    row_seeds: Sequence[Sequence[int]],
    rounds: Rounds,
) -> list[list[Draw]]:
    """One list of draws per prompt, as many as its rounds asked for: for engines that know nothing of rounds.

    ``draw`` is given positions of prompts and the seeds of each, and draws them together.
    """
    drawn: list[list[Draw]] = [[] for _ in row_seeds]
    open_prompts = list(range(len(row_seeds)))
    first = 0
    for end in rounds.ends:
        found = draw(open_prompts, [row_seeds[prompt][first:end] for prompt in open_prompts])
        for prompt, draws in zip(open_prompts, found, strict=True):
            drawn[prompt] += draws
        first = end
        if end == rounds.ends[-1]:
            break
        open_prompts = [prompt for prompt in open_prompts if rounds.go(prompt, drawn[prompt])]
        if not open_prompts:
            break
    return drawn
