"""Windows of samples, as in early-stopping self-consistency (Li et al. 2024, arXiv 2401.10480).

After each window a rule decides whether a question needs more samples. Samples are drawn in the order of k up to the
end of a window, so a rule sees a prefix of the full draw, and the first sample that reaches an answer stays the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noisy_student.records import Draw

More = Callable[[int, Sequence[Draw]], bool]
"""From a prompt's position and its draws so far, by k: draw the next window."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Sample counts at which windows end (rising, the last is K), and the rule asked after all but the last."""

    ends: tuple[int, ...]
    more: More


def draw_in_windows(
    draw: Callable[[Sequence[int], Sequence[Sequence[int]]], list[list[Draw]]],
    row_seeds: Sequence[Sequence[int]],
    windows: Windows,
) -> list[list[Draw]]:
    """Return one list of draws per prompt, up to its last window, for engines that cannot stop early themselves.

    ``draw`` takes positions of prompts and the seeds of each, and draws them together.
    """
    drawn: list[list[Draw]] = [[] for _ in row_seeds]
    open_prompts = list(range(len(row_seeds)))
    first = 0
    for end in windows.ends:
        found = draw(open_prompts, [row_seeds[prompt][first:end] for prompt in open_prompts])
        for prompt, draws in zip(open_prompts, found, strict=True):
            drawn[prompt] += draws
        first = end
        if end == windows.ends[-1]:
            break
        open_prompts = [prompt for prompt in open_prompts if windows.more(prompt, drawn[prompt])]
        if not open_prompts:
            break
    return drawn
