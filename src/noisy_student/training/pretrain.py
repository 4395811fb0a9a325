"""Pretraining from random weights: a bare loop over batches of token ids, with the loss on the masked-in tokens.

Used once per lab model, so it needs no resume; equal batches, seed and threads give equal weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Sequences:
    """A batch of unequal token sequences and, per token, whether the loss counts it."""

    ids: Sequence[Sequence[int]]
    mask: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class PretrainSpec:
    """Steps and the learning-rate schedule: linear warm-up, then a cosine to a tenth of the peak."""

    steps: int
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.01
    threads: int = 1


def pretrain(
    model: PreTrainedModel,
    batches: Iterable[Sequences],
    spec: PretrainSpec,
    *,
    pad_id: int,
    report: Callable[[int, float], None],
) -> None:
    """Train ``model`` in place; ``report`` gets step and loss after every step."""
    torch.set_num_threads(spec.threads)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=spec.learning_rate, betas=(0.9, 0.98), weight_decay=spec.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, spec))
    for step, batch in zip(range(spec.steps), batches, strict=False):
        loss = _loss(model, batch, pad_id=pad_id)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        report(step + 1, float(loss.detach()))
    model.eval()


def _loss(model: PreTrainedModel, batch: Sequences, *, pad_id: int) -> torch.Tensor:
    width = max(len(row) for row in batch.ids)
    ids = torch.full((len(batch.ids), width), pad_id)
    labels = torch.full_like(ids, -100)
    for index, (row, mask) in enumerate(zip(batch.ids, batch.mask, strict=True)):
        tokens = torch.tensor(row)
        ids[index, : len(row)] = tokens
        labels[index, : len(row)] = torch.where(torch.tensor(mask, dtype=torch.bool), tokens, -100)
    # Padding stands on the right, so causal attention needs no mask and takes the fast kernel.
    logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def _factor(step: int, spec: PretrainSpec) -> float:
    if step < spec.warmup:
        return (step + 1) / spec.warmup
    share = (step - spec.warmup) / max(1, spec.steps - spec.warmup)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * share))
