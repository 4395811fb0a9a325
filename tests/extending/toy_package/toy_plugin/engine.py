"""The engine ``echo``: answers with one of the question's numbers, chosen by the seed; loads no model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from noisy_student.sampling.windows import Windows, draw_in_windows

from noisy_student.records import Draw, Question
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import ENGINES, EngineRequest, EngineRow, OpenEngine

LOGPROB = -0.5


class Echo:
    """Its tokens are bytes."""

    def draw(
        self,
        prompts: Sequence[Sequence[int]],
        row_seeds: Sequence[Sequence[int]],
        decoding: Decoding,
        windows: Windows | None = None,
    ) -> list[list[Draw]]:
        """Return one draw per seed, by prompt."""

        def some(rows: Sequence[int], seeds: Sequence[Sequence[int]]) -> list[list[Draw]]:
            return [[_draw(prompts[row], seed, decoding) for seed in own] for row, own in zip(rows, seeds, strict=True)]

        everything = range(len(prompts))
        return some(everything, row_seeds) if windows is None else draw_in_windows(some, row_seeds, windows)


def open_engine(request: EngineRequest) -> OpenEngine:
    """Return the engine with UTF-8 as its tokenizer."""
    return OpenEngine(Echo(), lambda question, shots: _encode(question), lambda ids: bytes(ids).decode())


def _encode(question: Question) -> tuple[int, ...]:
    return tuple(question.text.encode())


def _draw(prompt: Sequence[int], seed: int, decoding: Decoding) -> Draw:
    numbers = re.findall(r"\d+", bytes(prompt).decode()) or ["0"]
    number = numbers[0 if decoding.temperature == 0 else seed % len(numbers)]
    ids = tuple(f"I read it.\n#### {number}".encode())[: decoding.max_new_tokens]
    return Draw(ids, (LOGPROB,) * len(ids), "eos" if len(ids) < decoding.max_new_tokens else "length")


ENGINES.register("echo", EngineRow(__name__, adapters=True))
