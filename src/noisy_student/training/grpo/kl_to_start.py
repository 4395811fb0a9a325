"""Divergence of a student from its start model, measured here where the loss has no anchor (beta 0)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from trl.trainer.utils import add_fused_lm_head

from noisy_student.models.adapter import is_adapted
from noisy_student.training.grpo.shared_prompts import score, shared_width

FEW_ANSWERS = 16
"""Answers of a step that are measured, in whole groups: all of the lab's 64 take 2.4 % of a run, these 0.6 %."""
READ = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "sampling_per_token_logps")


class KlToStart:
    """A copy of the start model that scores answers every few steps; TRL computes no divergence at beta 0."""

    def __init__(self, model: Any, *, temperature: float, every: int, answers: int | None = None) -> None:
        """Copy ``model``, which must still be the start model; answers are drawn at ``temperature``.

        Only the first ``answers`` of a step are scored; None is all.
        """
        self.every, self.answers = every, answers
        self._hidden = shared_width(model)
        self._start: Any = model
        self._without: Callable[[], AbstractContextManager[None]] = nullcontext
        if is_adapted(model):
            # The model without its adapter is the start model, and the trainer gives it the fused head.
            self._without = model.disable_adapter
        else:
            self._start = copy.deepcopy(model).requires_grad_(False).eval()
            add_fused_lm_head(self._start, temperature=temperature)

    @torch.no_grad()
    def nats(self, rollouts: Mapping[str, Any], *, at_once: int) -> tuple[float | None, int]:
        """Return the divergence from the start model of the model that drew ``rollouts``, and the tokens read for it.

        In nats a token of the loss, estimated as Schulman's k3 (http://joschu.net/blog/kl-approx.html) like TRL's log;
        None where the loss masks every answer, since all were cut.
        """
        rollouts = {name: rollouts[name][: self.answers] for name in READ}
        ids = torch.cat([rollouts["prompt_ids"], rollouts["completion_ids"]], dim=1)
        seen = torch.cat([rollouts["prompt_mask"], rollouts["completion_mask"]], dim=1)
        answer = rollouts["completion_ids"].shape[1]
        with self._without():
            found = score(self._start, ids, seen, answer=answer, at_once=at_once, hidden=self._hidden)
        drawn, mask = rollouts["sampling_per_token_logps"], rollouts["completion_mask"]
        return divergence(found.logps_RA, drawn, mask) if mask.any() else None, found.tokens


def divergence(reference_RT: Tensor, drawn_RT: Tensor, mask_RT: Tensor) -> float:
    """Return the mean over tokens of k3: exp(a) - a - 1, where a is the reference's less the drawn log-probability."""
    apart = reference_RT - drawn_RT
    return float(((apart.exp() - apart - 1) * mask_RT).sum() / mask_RT.sum())
