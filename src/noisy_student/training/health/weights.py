"""Measurements of a model for health checks: changed weights, from a sample kept at the start, and its own loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from noisy_student.models.adapter import plain
from noisy_student.models.chat import EncodedExample

SAMPLED_WEIGHTS = 4096
"""Weights kept of each matrix, evenly spaced: a few megabytes for a large model."""


class StartWeights:
    """A sample of the trained weights at the start, to compare later ones with."""

    def __init__(self, model: nn.Module) -> None:
        """``model`` must still be the start model."""
        self._start = {name: values.clone() for name, values in _sampled(model)}

    def moved(self, model: nn.Module) -> dict[str, float]:
        """Return ``moved``, the share of changed weights, and ``change``, the norm of the change by the start's."""
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
    """Every trained matrix but the embedding, whose rows change only where their token occurs."""
    embedding = next((module for module in model.modules() if isinstance(module, nn.Embedding)), None)
    kept = None if embedding is None else embedding.weight
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dim() > 1 and parameter is not kept:
            flat = parameter.detach().flatten()
            yield name, flat[:: max(1, flat.numel() // SAMPLED_WEIGHTS)]


@torch.no_grad()
def own_loss(model: PreTrainedModel, rows: Sequence[EncodedExample]) -> float:
    """Return the loss of the targets of ``rows`` in nats a token, without dropout; the model is unchanged.

    Rows are read one at a time, since the logits of a batch would need more memory than a step of training.
    """
    inner: Any = plain(model)
    training, total, tokens = model.training, 0.0, 0
    model.eval()
    for row in rows:
        ids = torch.tensor([row.ids], device=inner.device)
        # A trainer's own forward computes its loss with it, and returns no logits.
        logits = type(inner).forward(inner, input_ids=ids, use_cache=False).logits[0, :-1]
        result = torch.tensor(row.completion_mask[1:], dtype=torch.bool, device=inner.device)
        total += float(cross_entropy(logits[result].float(), ids[0, 1:][result], reduction="sum"))
        tokens += int(result.sum())
    model.train(training)
    return total / tokens
