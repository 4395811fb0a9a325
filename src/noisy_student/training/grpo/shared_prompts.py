"""Scoring answers with their prompt read once for several of them: fewer tokens, the same log-probabilities.

Answers to one prompt stand behind it in one sequence; each sees the prompt and itself only, at the positions it would
have alone. The prompt's last token is repeated before each answer, whose first token it predicts. Models without
support for such a mask get every row by itself, padded on the right: TRL pads prompts on the left without positions,
and a model that counts positions from the first token of a row would read another prompt.

Shapes: R rows, A tokens of the longest answer, P sequences ("packs") of L tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from noisy_student.models.load import unsupported_reason

ATTENTION = "sdpa"
"""The implementation that accepts a boolean mask of token pairs; ``eager`` would add it to its scores."""
IGNORED = -100


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer and its prompt, without padding; ``place`` is its index among the rows."""

    place: int
    prompt: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packs:
    """Inputs of a model; ``found_RA`` has the flat index in P x L that predicts each answer token, -1 for padding."""

    ids_PL: Tensor
    positions_PL: Tensor
    seen: Tensor
    """Attention mask: P x 1 x L x L for shared prompts; P x L, false on padding, where every row is by itself."""
    shift_labels_PL: Tensor
    found_RA: Tensor
    tokens: int
    """Tokens read, without padding."""

    def score(self, model: Any) -> tuple[Tensor, Tensor | None]:
        """Return log-probabilities and, where the model's head has them, entropies, R x A; 0 behind an answer."""
        positions = {} if self.seen.ndim == 2 else {"position_ids": self.positions_PL}
        labels = {"shift_labels": self.shift_labels_PL, "fused_lm_head": True}
        scored = model(input_ids=self.ids_PL, attention_mask=self.seen, **labels, **positions)
        return self._rows(scored.log_probs), None if scored.entropy is None else self._rows(scored.entropy)

    def _rows(self, values_PL: Tensor) -> Tensor:
        taken = values_PL.flatten()[self.found_RA.clamp(min=0)]
        return taken.masked_fill(self.found_RA < 0, 0.0)


@dataclass(frozen=True, slots=True)
class Scored:
    """Log-probabilities and entropies of padded rows, R x A, and the number of tokens read for them."""

    logps_RA: Tensor
    entropies_RA: Tensor | None
    tokens: int


def shared_width(model: PreTrainedModel) -> int | None:
    """Return the hidden width of a model that accepts a mask of token pairs, so that answers can share a prompt."""
    can_share = unsupported_reason(model) is None and model.config._attn_implementation == ATTENTION
    return int(model.config.hidden_size) if can_share else None


def score(model: Any, ids_RT: Tensor, mask_RT: Tensor, *, answer: int, at_once: int, hidden: int | None) -> Scored:
    """Score padded rows whose last ``answer`` columns are the answer's by the model's fused head.

    ``at_once`` rows are in memory together; ``hidden`` is the width of a model that can share prompts, else None.
    """
    logps, entropies, tokens = [], [], 0
    for first in range(0, len(ids_RT), at_once):
        rows = unpadded(ids_RT[first : first + at_once], mask_RT[first : first + at_once], answer)
        together = 1 if hidden is None else answers_together(rows, hidden)
        packs = packed(rows, together=together, answer=answer, device=ids_RT.device)
        found, entropy = packs.score(model)
        logps.append(found)
        entropies += [] if entropy is None else [entropy]
        tokens += packs.tokens
    return Scored(torch.cat(logps), torch.cat(entropies) if entropies else None, tokens)


def answers_together(rows: Sequence[AnswerRow], hidden: int) -> int:
    """Return the power of two of answers to share a prompt with the least work; 1 where sharing does not pay.

    A token costs 24 hidden² operations a layer in products with weights and 4 hidden L in attention to L tokens, which
    run at a third of the speed (a profile of the lab on two cores).
    """
    groups = Counter(row.prompt for row in rows)
    prompt = max(len(row.prompt) for row in rows)
    answer = 1 + sum(len(row.answer) for row in rows) / len(rows)

    def cost(together: int) -> float:
        length = prompt + together * answer
        return sum(-(-count // together) for count in groups.values()) * length * (1 + length / (2 * hidden))

    most = max(groups.values())
    return min((1 << power for power in range(most.bit_length())), key=cost)


def unpadded(ids_RT: Tensor, mask_RT: Tensor, answer: int) -> list[AnswerRow]:
    """Return the rows of padded tensors whose last ``answer`` columns are the answer's."""
    rows = []
    for place, (ids, mask) in enumerate(zip(ids_RT.tolist(), mask_RT.tolist(), strict=True)):
        prompt, drawn = (tuple(compress(ids[part], mask[part])) for part in (slice(-answer), slice(-answer, None)))
        rows.append(AnswerRow(place, prompt, drawn))
    return rows


def packed(rows: Sequence[AnswerRow], *, together: int, answer: int, device: torch.device) -> Packs:
    """Pack at most ``together`` answers behind each prompt; ``answer`` is the width of the scores, A."""
    by_prompt: dict[tuple[int, ...], list[AnswerRow]] = {}
    for row in rows:
        by_prompt.setdefault(row.prompt, []).append(row)
    packs = [
        group[first : first + together] for group in by_prompt.values() for first in range(0, len(group), together)
    ]
    length = max(len(pack[0].prompt) - 1 + sum(1 + len(row.answer) for row in pack) for pack in packs)
    shape = (len(packs), length)
    ids, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    labels, segments = torch.full(shape, IGNORED), torch.full(shape, -1)
    found = torch.full((len(rows), answer), -1)
    for number, pack in enumerate(packs):
        prompt = pack[0].prompt
        at = len(prompt) - 1
        ids[number, :at], segments[number, :at] = torch.tensor(prompt[:-1], dtype=torch.long), 0
        positions[number, :at] = torch.arange(at)
        for segment, row in enumerate(pack, start=1):
            size = len(row.answer)
            end = at + 1 + size
            ids[number, at:end] = torch.tensor([prompt[-1], *row.answer])
            positions[number, at:end] = torch.arange(len(prompt) - 1, len(prompt) + size)
            segments[number, at:end] = segment
            labels[number, at : end - 1] = torch.tensor(row.answer, dtype=torch.long)
            found[row.place, :size] = torch.arange(at, end - 1) + number * length
            at = end
    tokens = int((segments >= 0).sum())
    seen = (segments >= 0).long().to(device) if together == 1 else _seen(segments.to(device))
    return Packs(ids.to(device), positions.to(device), seen, labels.to(device), found.to(device), tokens)


def _seen(segments_PL: Tensor) -> Tensor:
    """Attention mask, P x 1 x L x L: a token sees earlier ones of the prompt (0) and of its own answer."""
    length = segments_PL.shape[1]
    earlier = torch.ones((length, length), dtype=torch.bool, device=segments_PL.device).tril()
    read, reader = segments_PL[:, None, :], segments_PL[:, :, None]
    # Padding (-1) sees padding, since a token that sees nothing would have NaN scores.
    return (earlier & ((read == 0) | (read == reader)))[:, None]
