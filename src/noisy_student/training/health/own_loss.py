"""The loss of a fine-tuned model on examples that it has learned from, as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from noisy_student.models.adapter import plain
from noisy_student.models.chat import EncodedExample


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
