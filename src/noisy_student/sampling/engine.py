"""The engine protocol: prompts and seeds in, draws out; decoding, windows, and the end of a row at its answer.

An engine's draw for a row depends on that row's prompt and seed, on the decoding, and on nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Protocol

from pydantic import Field

from noisy_student.answers.marks import MARK, answer_end
from noisy_student.answers.thoughts import opened_at_end
from noisy_student.records import Draw, Finish
from noisy_student.strict import Strict


class Decoding(Strict):
    """Choice of tokens; temperature 0 is greedy. Filters apply after the temperature, in the order listed."""

    temperature: Annotated[float, Field(ge=0, le=10)] = 0.7
    top_k: Annotated[int, Field(ge=0)] = 0
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Keep the smallest set of likeliest tokens that holds this probability (Holtzman 2020)."""
    min_p: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Drop tokens less likely than this share of the likeliest (Nguyen 2024)."""
    repetition_penalty: Annotated[float, Field(gt=0)] = 1.0
    """Divide positive and multiply negative logits of tokens already seen, prompt included (CTRL, Keskar 2019)."""
    max_new_tokens: Annotated[int, Field(ge=1)] = 512
    stop_at_answer: bool = True
    """Stop after a complete first ``#### number``; the answer read is the same (``answers/marks.py``)."""


Prompts = Sequence[Sequence[int]]
"""Token ids of each prompt."""
RowSeeds = Sequence[Sequence[int]]
"""Seeds of each prompt's rows."""
Drawn = list[list[Draw]]
"""Draws of each prompt, by k."""
Ends = Callable[[Sequence[int], int], Finish | None]
"""From a row's tokens and its number: the finish that its last token brought, or None."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Sample counts at which windows end (rising, the last is K), and the rule asked after all but the last.

    As in early-stopping self-consistency (Li et al. 2024, arXiv 2401.10480). A rule sees a prefix of the full draw by
    k, so the first sample that reaches an answer stays the first.
    """

    ends: tuple[int, ...]
    more: Callable[[int, Sequence[Draw]], bool]
    """From a prompt's position and its draws so far, by k: draw the next window."""


class Engine(Protocol):
    """Draws continuations of prompts."""

    def draw(self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding, windows: Windows | None = None) -> Drawn:
        """Return one list of draws per prompt, one draw per seed; all prompts have the same number of seeds.

        With ``windows`` a prompt has draws for its first seeds only, up to the window after which it needed no more.
        """


def draw_in_windows(
    draw: Callable[[Sequence[int], RowSeeds], Drawn], row_seeds: RowSeeds, windows: Windows | None
) -> Drawn:
    """Return one list of draws per prompt, up to its last window, for engines that cannot stop early themselves.

    ``draw`` takes positions of prompts and the seeds of each, and draws them together.
    """
    prompts = list(range(len(row_seeds)))
    if windows is None:
        return draw(prompts, row_seeds)
    drawn: Drawn = [[] for _ in row_seeds]
    for first, end in pairwise((0, *windows.ends)):
        for prompt, draws in zip(prompts, draw(prompts, [row_seeds[p][first:end] for p in prompts]), strict=True):
            drawn[prompt] += draws
        if end != windows.ends[-1]:
            prompts = [prompt for prompt in prompts if windows.more(prompt, drawn[prompt])]
        if not prompts:
            break
    return drawn


_TAG_TOKENS = 16
"""Last tokens of a prompt that may hold a tag."""


def may_stop(text: str) -> bool:
    """Return whether the answer is complete; half a character (U+FFFD) may yet become a minus sign that extends it.

    >>> may_stop("#### 18"), may_stop("#### 18\\n"), may_stop("#### 18\\n\\ufffd")
    (False, True, False)
    """
    return not text.endswith("\ufffd") and answer_end(text) is not None


def decoder_after(prompts: Prompts, decode: Callable[[Sequence[int]], str]) -> Callable[[Sequence[int]], str]:
    """Return ``decode``, led by the opening tag of a thought where the prompts end with one (R1's template).

    A ``####`` inside such a thought is then no answer. All prompts of a draw share one template.
    """
    opening = opened_at_end(decode(prompts[0][-_TAG_TOKENS:])) if prompts else ""
    return (lambda ids: opening + decode(ids)) if opening else decode


def first_stop(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> int | None:
    """Return the number of tokens at which ``may_stop`` ends a row drawn without it, or None; ignores stop ids."""
    # A prefix of the tokens is a prefix of the text, so a mark that has come stays: no shorter prefix need be read.
    first = bisect_left(range(1, len(ids) + 1), True, key=lambda end: MARK in decode(ids[:end])) + 1
    return next((end for end in range(first, len(ids) + 1) if may_stop(decode(ids[:end]))), None)
