"""Choosing the next token from logits: temperature, filters, and one uniform number a row; and its record in the row.

Functions are vectorised; ``logits_RV`` is rows × vocabulary, in float32 or float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from noisy_student.records import Draw, Finish
from noisy_student.sampling.engine import Decoding, Ends


@dataclass(slots=True)
class Row:
    """One sample: its number in the call, its prompt, seed and tokens so far; ``finish`` is None until it ends."""

    number: int
    prompt: int
    seed: int
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish | None = None

    def add(self, token: int, logprob: float, ends: Ends) -> None:
        """Append a token, and end the row where ``ends`` says so or the log-probability is NaN."""
        if math.isnan(logprob):
            self.finish = "failed"
        else:
            self.ids.append(token)
            self.logprobs.append(logprob)
            self.finish = ends(self.ids, self.number)

    @property
    def draw(self) -> Draw:
        """The tokens so far; a row that nothing ended has the finish "length"."""
        return Draw(tuple(self.ids), tuple(self.logprobs), self.finish or "length")


def rows_of(row_seeds: Sequence[Sequence[int]]) -> list[Row]:
    """Return the rows of all prompts, by prompt."""
    flat = ((prompt, seed) for prompt, seeds_K in enumerate(row_seeds) for seed in seeds_K)
    return [Row(number, prompt, seed) for number, (prompt, seed) in enumerate(flat)]


def choose_tokens(
    logits_RV: torch.Tensor, uniforms_R: torch.Tensor, decoding: Decoding
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the next token of each row and its log-probability under the sampling distribution.

    The token is the likeliest when greedy, else by inverse of the cumulative distribution. Greedy log-probabilities are
    those of the unscaled distribution, since the sampling one is a point.
    """
    if decoding.temperature == 0:
        ids_R = logits_RV.argmax(dim=-1)
        logprobs_RV = torch.log_softmax(logits_RV, dim=-1)
    else:
        logprobs_RV = torch.log_softmax(filter_logits(logits_RV / decoding.temperature, decoding), dim=-1)
        cumulative_RV = logprobs_RV.double().exp().cumsum(dim=-1)
        # The sum may fall short of 1 by rounding: scaling the uniform keeps the last token reachable and no other.
        aim_R1 = uniforms_R.double()[:, None] * cumulative_RV[:, -1:]
        ids_R = torch.searchsorted(cumulative_RV, aim_R1, right=True).squeeze(1).clamp(max=logits_RV.shape[1] - 1)
    return ids_R, logprobs_RV.gather(1, ids_R[:, None]).squeeze(1)


def filter_logits(logits_RV: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Return the logits with tokens dropped by top-k, top-p and min-p set to minus infinity."""
    if 0 < decoding.top_k < logits_RV.shape[1]:
        least_R1 = logits_RV.topk(decoding.top_k, dim=-1).values[:, -1:]
        logits_RV = logits_RV.masked_fill(logits_RV < least_R1, -torch.inf)
    if decoding.top_p < 1:
        sorted_RV, order_RV = logits_RV.sort(dim=-1, descending=True, stable=True)
        probabilities_RV = sorted_RV.softmax(dim=-1)
        before_RV = probabilities_RV.cumsum(dim=-1) - probabilities_RV
        dropped_RV = torch.zeros_like(before_RV, dtype=torch.bool)
        dropped_RV.scatter_(1, order_RV, before_RV >= decoding.top_p)
        logits_RV = logits_RV.masked_fill(dropped_RV, -torch.inf)
    if decoding.min_p > 0:
        probabilities_RV = logits_RV.softmax(dim=-1)
        least_R1 = decoding.min_p * probabilities_RV.max(dim=-1, keepdim=True).values
        logits_RV = logits_RV.masked_fill(probabilities_RV < least_R1, -torch.inf)
    return logits_RV


def penalise_repetition(logits_RV: torch.Tensor, seen_RV: torch.Tensor, penalty: float) -> torch.Tensor:
    """Return the logits after the repetition penalty on the tokens marked in ``seen_RV``."""
    changed_RV = torch.where(logits_RV > 0, logits_RV / penalty, logits_RV * penalty)
    return torch.where(seen_RV, changed_RV, logits_RV)
