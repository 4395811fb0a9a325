"""The engine for causal models of transformers: prompts read once, K rows each.

Where the model has a decoder of ours (``models/kind.py``), rows that end are replaced at once (``refill``); any other
is drawn from in padded rows (``padded``). The schedule is a pure function of prompts, seeds, decoding and rounds, so
equal calls give equal bytes; in float64 a row does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import torch
from transformers import PreTrainedModel

from noisy_student.models.kind import why_not
from noisy_student.records import Draw, Finish
from noisy_student.sampling.answer_stop import may_stop
from noisy_student.sampling.continuous_batching import Refill, Work
from noisy_student.sampling.decoder import Decoder
from noisy_student.sampling.engine import Decoding, Ends
from noisy_student.sampling.padded_batch import Padded
from noisy_student.sampling.rounds import Rounds, draw_in_rounds


class TorchEngine:
    """Draws with a transformers model on the device that it stands on."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        stop_ids: Iterable[int],
        pad_id: int,
        decode: Callable[[Sequence[int]], str],
        check: Callable[[], None] = lambda: None,
        width: int = 512,
    ) -> None:
        """``decode`` turns ids into text for ``stop_at_answer``; ``check`` is called at every step and may raise.

        ``width`` is how many rows are drawn at once where the model has a decoder of its own.
        """
        self._model = model
        self._stop_ids = frozenset(stop_ids)
        self._padded = Padded(model, pad_id=pad_id)
        self._decode = decode
        self._check = check
        self._width = width
        self._decoder = Decoder(model) if why_not(model) is None else None

    @cached_property
    def _may_end(self) -> list[bool]:
        return _marks(self._decode, self._model.config.vocab_size)

    @property
    def fallback(self) -> str | None:
        """Why the model is drawn from by transformers' own, slower, forward pass; None where it has a decoder here."""
        return why_not(self._model) if self._decoder is None else None

    @torch.inference_mode()
    def draw(
        self,
        prompts: Sequence[Sequence[int]],
        row_seeds: Sequence[Sequence[int]],
        decoding: Decoding,
        rounds: Rounds | None = None,
    ) -> list[list[Draw]]:
        """One list of draws per prompt, one draw per seed, or as many as its rounds asked for."""
        if not prompts:
            return []
        assert len(row_seeds) == len(prompts) and len(set(map(len, row_seeds))) == 1
        if self._decoder is not None:
            work = Work(prompts, row_seeds, decoding, rounds)
            return Refill(self._decoder, work, width=self._width, ends=self._ends(decoding)).run(self._check)
        ends = self._ends(decoding)

        def draw(places: Sequence[int], seeds_PK: Sequence[Sequence[int]]) -> list[list[Draw]]:
            some = [prompts[place] for place in places]
            return self._padded.draw(some, seeds_PK, decoding, ends=ends, check=self._check)

        if rounds is None:
            return draw(range(len(prompts)), row_seeds)
        return draw_in_rounds(draw, row_seeds, rounds)

    def _ends(self, decoding: Decoding) -> Ends:
        """What ends a row after its last token: a stop id, or an answer that can no longer change."""
        marked: set[int] = set()

        def ends(ids: Sequence[int], row: int) -> Finish | None:
            if ids[-1] in self._stop_ids:
                return "eos"
            if decoding.stop_at_answer:
                if self._may_end[ids[-1]]:
                    marked.add(row)
                if row in marked and may_stop(self._decode(ids)):
                    return "answer"
            return None

        return ends


def _marks(decode: Callable[[Sequence[int]], str], vocabulary: int) -> list[bool]:
    """Per token whether its text may be part of ``####``; only rows that drew one are ever decoded."""
    return ["#" in decode([token]) for token in range(vocabulary)]
