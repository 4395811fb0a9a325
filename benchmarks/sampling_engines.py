"""The engines of ``benchmarks/sampling.py`` that run on torch: ours, its padded fallback, transformers' generate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import GenerationConfig

from noisy_student import seeds
from noisy_student.models.load import LoadedModel
from noisy_student.sampling import torch_engine
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine

MEMORY_SHARE = 0.6
"""Of the free memory; a batch of generate whose keys and values take more is not tried."""

Prompts = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one pass over all prompts gave: samples, their tokens without padding, and how many met the cap."""

    samples: int
    tokens: int
    capped: int


Engine = Callable[[Prompts, int], Drawn]
"""From prompts, in the order of their lengths, and the number of the round to what was drawn."""


def counted(lengths: Sequence[int], ended: Sequence[bool]) -> Drawn:
    """The sum of rows with so many tokens, the token that ends a text among them."""
    return Drawn(len(lengths), sum(lengths), len(ended) - sum(ended))


def ours(loaded: LoadedModel, *, padded: bool, width: int) -> TorchEngine:
    """The engine with its decoder, or as it is for models that have none."""

    def decode(ids: Sequence[int]) -> str:
        return str(loaded.tokenizer.decode(list(ids), skip_special_tokens=True))

    found = torch_engine.unsupported_reason
    if padded:
        torch_engine.unsupported_reason = lambda model: "to compare with"
    try:
        return TorchEngine(loaded.model, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, decode=decode, width=width)
    finally:
        torch_engine.unsupported_reason = found


def in_chunks(engine: TorchEngine, decoding: Decoding, *, k: int, chunk: int) -> Engine:
    """The engine asked as a run asks it: so many samples a call."""

    def draw(prompts: Prompts, turn: int) -> Drawn:
        size = max(1, chunk // k)
        lengths, ended = [], []
        for start in range(0, len(prompts), size):
            part = prompts[start : start + size]
            numbers = range(start, start + len(part))
            row_seeds = [[seeds.seed(turn, "sample", str(number), k=row) for row in range(k)] for number in numbers]
            rows = [row for draws in engine.draw(part, row_seeds, decoding) for row in draws]
            lengths += [len(row.token_ids) for row in rows]
            ended += [row.finish != "length" for row in rows]
        return counted(lengths, ended)

    return draw


def generate(loaded: LoadedModel, decoding: Decoding, *, k: int, batch: int) -> Engine:
    """``model.generate`` on so many prompts at once, filled up on the left; it knows no stop at the answer."""
    model = loaded.model
    # The model's own generation config would add filters to what is asked here; nothing else reads it.
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=decoding.temperature,
        top_k=0,
        top_p=1.0,
        num_return_sequences=k,
        max_new_tokens=decoding.max_new_tokens,
        eos_token_id=sorted(loaded.stop_ids),
        pad_token_id=loaded.pad_id,
    )
    stops = torch.tensor(sorted(loaded.stop_ids))

    def draw(prompts: Prompts, turn: int) -> Drawn:
        torch.manual_seed(turn)
        lengths, ended = [], []
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            width = max(map(len, part))
            ids_PT = torch.tensor([[loaded.pad_id] * (width - len(prompt)) + list(prompt) for prompt in part])
            mask_PT = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in part])
            found_RT = model.generate(input_ids=ids_PT, attention_mask=mask_PT)[:, width:]
            stop_RT = torch.isin(found_RT, stops)
            ends_R = stop_RT.any(dim=1)
            lengths += torch.where(ends_R, stop_RT.int().argmax(dim=1) + 1, found_RT.shape[1]).tolist()
            ended += ends_R.tolist()
        return counted(lengths, ended)

    return draw


def batches_that_fit(loaded: LoadedModel, prompts: Prompts, *, k: int, cap: int, wanted: Sequence[int]) -> list[int]:
    """The batch sizes among those wanted whose keys and values leave room, none larger than there are prompts."""
    config = loaded.model.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    slot = 2 * config.num_hidden_layers * config.num_key_value_heads * size * loaded.model.dtype.itemsize
    row = slot * (max(map(len, prompts)) + cap)
    sizes = sorted({min(batch, len(prompts)) for batch in wanted})
    return [batch for batch in sizes if batch == sizes[0] or batch * k * row <= MEMORY_SHARE * _free_memory()]


def _free_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
