"""What an engine is: prompts and seeds in, draws out; and how it is asked to decode.

An engine's draw for a row depends on that row's prompt and seed, on the decoding, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

from pydantic import Field

from noisy_student.records import Draw, Finish
from noisy_student.sampling.rounds import Rounds
from noisy_student.strict import Strict


class Decoding(Strict):
    """How tokens are chosen; temperature 0 is greedy. Filters apply after the temperature, in the order listed."""

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
    """Stop after a complete first ``#### number``; the answer read is the same (``answers/stop.py``)."""


Ends = Callable[[Sequence[int], int], Finish | None]
"""From a row's tokens and its number: how the last token ended it, or None."""


class Engine(Protocol):
    """Draws continuations of prompts."""

    def draw(
        self,
        prompts: Sequence[Sequence[int]],
        row_seeds: Sequence[Sequence[int]],
        decoding: Decoding,
        rounds: Rounds | None = None,
    ) -> list[list[Draw]]:
        """One list of draws per prompt, one draw per seed; all prompts have the same number of seeds.

        With ``rounds`` a prompt has draws for its first seeds only, up to the round after which it wanted no more.
        """
        ...
