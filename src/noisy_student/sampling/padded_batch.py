"""Drawing with transformers' own forward pass, for models that our decoder does not support.

Rows are padded on the left to the longest prompt of the call, share one cursor, and leave when they end. Unlike
``generate``, every row has a seed of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from noisy_student import seeds
from noisy_student.sampling.engine import Decoding, Drawn, Ends, Prompts, RowSeeds
from noisy_student.sampling.token_choice import choose_tokens, penalise_repetition, rows_of

COMPACT_BELOW = 0.75
"""Finished rows leave the batch once fewer than this share of its rows are still drawing."""


class PaddedBatch:
    """Draws from any causal model of transformers."""

    def __init__(self, model: PreTrainedModel, *, pad_id: int) -> None:
        self._model = model
        self._pad_id = pad_id

    def draw(
        self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding, *, ends: Ends, check: Callable[[], None]
    ) -> Drawn:
        """Return one list of draws per prompt, one draw per seed; ``check`` is called at every step and may raise."""
        copies = len(row_seeds[0])
        rows = rows_of(row_seeds)
        inside = rows
        batch, logits_RV = self._prefill(prompts, copies, decoding)
        for step in range(decoding.max_new_tokens):
            check()
            if batch.seen_RV is not None:
                logits_RV = penalise_repetition(logits_RV, batch.seen_RV, decoding.repetition_penalty)
            row_seeds_R = np.array([row.seed for row in inside], dtype=np.uint64)
            uniforms_R = torch.from_numpy(seeds.uniforms(row_seeds_R, step)).to(logits_RV.device)
            ids_R, logprobs_R = choose_tokens(logits_RV, uniforms_R, decoding)
            for row, token, logprob in zip(inside, ids_R.tolist(), logprobs_R.tolist(), strict=True):
                if row.finish is None:
                    row.add(token, logprob, ends)
            alive = [place for place, row in enumerate(inside) if row.finish is None]
            if not alive or step + 1 == decoding.max_new_tokens:
                break
            if len(alive) / len(inside) < COMPACT_BELOW:
                inside = [inside[place] for place in alive]
                kept = torch.tensor(alive, device=ids_R.device)
                ids_R = ids_R[kept]
                batch.keep(kept)
            if batch.seen_RV is not None:
                batch.seen_RV.scatter_(1, ids_R[:, None], True)
            logits_RV = self._step(batch, ids_R)
        return [[row.draw for row in rows[start : start + copies]] for start in range(0, len(rows), copies)]

    def _prefill(self, prompts: Prompts, copies: int, decoding: Decoding) -> tuple[_Batch, torch.Tensor]:
        """Run every prompt once, then copy its keys and values for each of its rows."""
        device = self._model.device
        width = max(len(prompt) for prompt in prompts)
        ids_PT = torch.full((len(prompts), width), self._pad_id, device=device)
        mask_PT = torch.zeros((len(prompts), width), dtype=torch.bool, device=device)
        for index, prompt in enumerate(prompts):
            ids_PT[index, width - len(prompt) :] = torch.tensor(prompt, device=device)
            mask_PT[index, width - len(prompt) :] = True
        cache = Cache(layers=[_Slots(decoding.max_new_tokens) for _ in range(self._model.config.num_hidden_layers)])
        logits_PV = self._model(
            input_ids=ids_PT,
            attention_mask=mask_PT.long(),
            position_ids=(mask_PT.cumsum(dim=1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        cache.batch_repeat_interleave(copies)
        room = torch.ones((len(prompts), decoding.max_new_tokens), dtype=torch.bool, device=device)
        batch = _Batch(
            cache=cache,
            mask_RT=torch.cat([mask_PT, room], dim=1).repeat_interleave(copies, dim=0),
            positions_R=mask_PT.sum(dim=1).repeat_interleave(copies),
            used=width,
        )
        if decoding.repetition_penalty != 1:
            seen_PV = torch.zeros_like(logits_PV, dtype=torch.bool)
            for index, prompt in enumerate(prompts):
                seen_PV[index, torch.tensor(prompt, device=device)] = True
            batch.seen_RV = seen_PV.repeat_interleave(copies, dim=0)
        return batch, logits_PV.repeat_interleave(copies, dim=0)

    def _step(self, batch: _Batch, ids_R: torch.Tensor) -> torch.Tensor:
        """Feed one token per row and return the next logits."""
        batch.used += 1
        mask_RT = batch.mask_RT[:, : batch.used]
        if self._model.config._attn_implementation == "sdpa":
            # A ready mask avoids building one at each step; eager attention would add its ones to the scores.
            mask_RT = mask_RT[:, None, None]
        logits_RV: torch.Tensor = self._model(
            input_ids=ids_R[:, None],
            attention_mask=mask_RT,
            position_ids=batch.positions_R[:, None],
            past_key_values=batch.cache,
            use_cache=True,
        ).logits[:, -1]
        batch.positions_R += 1
        return logits_RV


class _Slots(DynamicLayer):
    """One layer's keys and values, allocated once, so that a step copies one slot and not the whole past."""

    def __init__(self, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._used = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new slots; return views of all used ones."""
        count = key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            shape = (*key_states.shape[:-2], count + self._room, key_states.shape[-1])
            self.keys, self.values = key_states.new_empty(shape), value_states.new_empty(shape)
        assert self.keys is not None and self.values is not None
        end = self._used + count
        self.keys[..., self._used : end, :] = key_states
        self.values[..., self._used : end, :] = value_states
        self._used = end
        return self.keys[..., :end, :], self.values[..., :end, :]

    def get_seq_length(self) -> int:
        """Slots in use."""
        return self._used


@dataclass(slots=True)
class _Batch:
    """Model inputs of the rows still in the batch."""

    cache: Cache
    mask_RT: torch.Tensor
    positions_R: torch.Tensor
    used: int
    seen_RV: torch.Tensor | None = None
    """Tokens of each row, its prompt's included, for the repetition penalty."""

    def keep(self, kept: torch.Tensor) -> None:
        """Drop all rows but these."""
        self.cache.batch_select_indices(kept)
        self.mask_RT, self.positions_R = self.mask_RT[kept], self.positions_R[kept]
        if self.seen_RV is not None:
            self.seen_RV = self.seen_RV[kept]
