"""The engine for causal models of transformers: prompts read once, K rows each.

A model that our decoder supports (``models/adapter.py``) is drawn from by continuous batching, any other in padded
batches. The schedule is a pure function of prompts, seeds, decoding and windows, so equal calls give equal bytes; in
float64 a row does not depend on its neighbours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedModel

from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, unsupported_reason
from noisy_student.records import Finish
from noisy_student.sampling.continuous_batching import LEAST_WIDTH, ContinuousBatching, DrawRequest
from noisy_student.sampling.decoder import Decoder
from noisy_student.sampling.engine import (
    Decoding,
    Drawn,
    Ends,
    Prompts,
    RowSeeds,
    Windows,
    decoder_after,
    draw_in_windows,
    may_stop,
)
from noisy_student.sampling.engines import EngineRequest, OpenEngine
from noisy_student.sampling.padded_batch import PaddedBatch
from noisy_student.sampling.snapshot import Snapshots

CALL_FLOPS = 3e11
"""Operations of one call in padded rows: half a minute at 10 GFLOP/s."""


def open_engine(request: EngineRequest) -> OpenEngine:
    """Load the model and return its engine."""
    loaded = request.model.weights
    renderer = Renderer(loaded.tokenizer, request.spec["prompt"])
    engine = TorchEngine(
        loaded.model,
        stop_ids=loaded.stop_ids,
        pad_id=loaded.pad_id,
        decode=renderer.decode,
        check=request.check,
        width=request.spec["width"],
    )
    engine.scratch = request.scratch
    return OpenEngine(
        engine,
        renderer.encode,
        renderer.decode,
        context=getattr(loaded.model.config, "max_position_embeddings", sys.maxsize),
        parameters=loaded.model.num_parameters(),
        fallback=engine.fallback,
        most=None if engine.fallback is None or loaded.model.device.type != "cpu" else _affordable(request, loaded),
    )


def _affordable(request: EngineRequest, loaded: LoadedModel) -> int:
    """Return the samples that padded rows, which keep no snapshot, draw in about half a minute on a slow CPU.

    On a CPU only: on another device chunks are cut otherwise, and a stage that goes on there draws its own.
    """
    cap = request.spec.get("decoding", {}).get("max_new_tokens", Decoding().max_new_tokens)
    return max(LEAST_WIDTH, int(CALL_FLOPS // (2 * loaded.model.num_parameters() * cap)))


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

        ``width`` is the number of rows drawn at once by continuous batching.
        """
        self._model = model
        self._stop_ids = frozenset(stop_ids)
        self._padded = PaddedBatch(model, pad_id=pad_id)
        self._decode = decode
        self._check = check
        self._width = width
        self.scratch: Path | None = None
        """A folder for snapshots, from which an equal call goes on after a stop; None keeps none."""
        self.fallback = unsupported_reason(model)
        """Reason for transformers' own, slower forward pass; None if our decoder supports the model."""
        self._decoder = Decoder(model) if self.fallback is None else None

    @cached_property
    def _may_end(self) -> list[bool]:
        """Mark tokens whose text may be part of ``####``; only rows that drew one are decoded."""
        return ["#" in self._decode([token]) for token in range(self._model.config.vocab_size)]

    @torch.inference_mode()
    def draw(self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding, windows: Windows | None = None) -> Drawn:
        """Return one list of draws per prompt: one draw per seed, or up to the prompt's last window."""
        if not prompts:
            return []
        assert len(row_seeds) == len(prompts) and len(set(map(len, row_seeds))) == 1
        ends = self._ends(decoding, decoder_after(prompts, self._decode) if decoding.stop_at_answer else self._decode)
        if self._decoder is not None:
            request = DrawRequest(prompts, row_seeds, decoding, windows)
            drawing = ContinuousBatching(self._decoder, request, width=self._width, ends=ends)
            if self.scratch is None:
                return drawing.run(self._check)
            call = [[list(prompt) for prompt in prompts], [list(row) for row in row_seeds], decoding.model_dump()]
            return drawing.run(self._check, Snapshots.of(self.scratch, call))

        def draw(places: Sequence[int], seeds_PK: RowSeeds) -> Drawn:
            some = [prompts[place] for place in places]
            return self._padded.draw(some, seeds_PK, decoding, ends=ends, check=self._check)

        return draw_in_windows(draw, row_seeds, windows)

    def _ends(self, decoding: Decoding, decode: Callable[[Sequence[int]], str]) -> Ends:
        """Return the test of a row's end: a stop id, or an answer that can no longer change."""
        marked: set[int] = set()

        def ends(ids: Sequence[int], row: int) -> Finish | None:
            if ids[-1] in self._stop_ids:
                return "eos"
            if decoding.stop_at_answer:
                if self._may_end[ids[-1]]:
                    marked.add(row)
                if row in marked and may_stop(decode(ids)):
                    return "answer"
            return None

        return ends
