"""Which share of the weights has moved, and how far: a thin sample of them, kept from the start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from noisy_student.models.adapter import plain
from noisy_student.models.chat import EncodedExample

MOST = 4096
"""Weights kept of one matrix, evenly spaced: a few megabytes for a large model."""


class Weights:
    """The trained weights as they were, so that later ones can be held against them."""

    def __init__(self, model: nn.Module) -> None:
        """``model`` must still be the start model."""
        self._start = {name: values.clone() for name, values in _sampled(model)}

    def moved(self, model: nn.Module) -> dict[str, float]:
        """``moved``, the share of weights that are others now, and ``change``, the norm of the difference by theirs."""
        other = count = 0
        apart = before = 0.0
        for name, values in _sampled(model):
            start = self._start[name]
            other += int((values != start).sum())
            count += values.numel()
            apart += float((values - start).float().square().sum())
            before += float(start.float().square().sum())
        return {"moved": other / count, "change": (apart / before) ** 0.5 if before else 0.0}


def _sampled(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every trained matrix but the embedding, whose rows move only where their token occurs."""
    embedding = next((module for module in model.modules() if isinstance(module, nn.Embedding)), None)
    kept = None if embedding is None else embedding.weight
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dim() > 1 and parameter is not kept:
            flat = parameter.detach().flatten()
            yield name, flat[:: max(1, flat.numel() // MOST)]


@torch.no_grad()
def own_loss(model: PreTrainedModel, rows: Sequence[EncodedExample]) -> float:
    """Nats a token of the targets of ``rows``, without dropout; the model is left as it was.

    One row at a time: the logits of a batch would need more room than a step of training has.
    """
    inner: Any = plain(model)
    training, total, tokens = model.training, 0.0, 0
    model.eval()
    for row in rows:
        ids = torch.tensor([row.ids], device=inner.device)
        # A trainer's own forward computes its loss with it, and returns no logits.
        logits = type(inner).forward(inner, input_ids=ids, use_cache=False).logits[0, :-1]
        taught = torch.tensor(row.completion_mask[1:], dtype=torch.bool, device=inner.device)
        total += float(cross_entropy(logits[taught].float(), ids[0, 1:][taught], reduction="sum"))
        tokens += int(taught.sum())
    model.train(training)
    return total / tokens
