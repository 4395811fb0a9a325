"""How far a student has gone from the model it started as, where the loss has no anchor that would tell."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from trl.trainer.utils import add_fused_lm_head


class Drift:
    """A copy of the start model, asked now and then; TRL computes no divergence when beta is 0."""

    def __init__(self, model: PreTrainedModel, *, temperature: float, every: int) -> None:
        """The copy is made now, so ``model`` must still be the start model; answers are drawn at ``temperature``."""
        self.every = every
        self._start = copy.deepcopy(model).requires_grad_(False).eval()
        add_fused_lm_head(self._start, temperature=temperature)

    @torch.no_grad()
    def nats(self, rollouts: Mapping[str, Any], *, at_once: int) -> float:
        """The divergence of the model that drew ``rollouts`` from the start model, in nats a token.

        Estimated on the answers as Schulman's k3 (http://joschu.net/blog/kl-approx.html), which is what TRL logs.
        """
        ids = torch.cat([rollouts["prompt_ids"], rollouts["completion_ids"]], dim=1)
        seen = torch.cat([rollouts["prompt_mask"], rollouts["completion_mask"]], dim=1)
        answer = rollouts["completion_ids"].shape[1]
        found = []
        for first in range(0, len(ids), at_once):
            part, mask = ids[first : first + at_once], seen[first : first + at_once]
            labels = part.masked_fill(mask == 0, -100)
            labels[:, :-answer] = -100
            scored = self._start(input_ids=part, attention_mask=mask, labels=labels, fused_lm_head=True)
            found.append(scored.log_probs[:, -answer:])
        return divergence(torch.cat(found), rollouts["sampling_per_token_logps"], rollouts["completion_mask"])


def divergence(reference_RT: Tensor, drawn_RT: Tensor, mask_RT: Tensor) -> float:
    """The mean over tokens of k3: exp(a) - a - 1, where a is how much likelier the reference finds a token."""
    apart = reference_RT - drawn_RT
    return float(((apart.exp() - apart - 1) * mask_RT).sum() / mask_RT.sum())
