"""Scoring answers with their prompt read once for several of them: fewer tokens, the same log-probabilities.

Answers to one prompt stand behind it in one sequence, each of which sees the prompt and itself only, at the positions
that it would have alone. The prompt's last token is repeated before each answer, since it predicts the first token of
each. A trainer that repeats the prompt in every row computes the same sums in another order.

Shapes: R rows, A tokens of the longest answer, P sequences ("packs") of L tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

ATTENTION = ("sdpa", "eager")
"""Implementations that take a mask of their own for every token."""
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Row:
    """One answer and its prompt, without padding; ``place`` is where it stands among the rows."""

    place: int
    prompt: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packs:
    """What a model is given; ``found_RA`` says where an answer is predicted, counted through P x L, -1 is nowhere."""

    ids_PL: Tensor
    positions_PL: Tensor
    seen_P1LL: Tensor
    shift_labels_PL: Tensor
    found_RA: Tensor

    def score(self, model: Any) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities and, where the model's head gives them, entropies, rows x answer; 0 behind an answer."""
        scored = model(
            input_ids=self.ids_PL,
            attention_mask=self.seen_P1LL,
            position_ids=self.positions_PL,
            shift_labels=self.shift_labels_PL,
            fused_lm_head=True,
        )
        return self._rows(scored.log_probs), None if scored.entropy is None else self._rows(scored.entropy)

    def _rows(self, values_PL: Tensor) -> Tensor:
        taken = values_PL.flatten()[self.found_RA.clamp(min=0)]
        return taken.masked_fill(self.found_RA < 0, 0.0)


def can_share(model: PreTrainedModel) -> bool:
    """Whether the model takes a mask for every pair of tokens: it attends to all tokens, by code that reads masks."""
    kinds = set(getattr(model.config, "layer_types", None) or ())
    return model.config._attn_implementation in ATTENTION and kinds <= {"full_attention"}


def score(
    model: Any, ids_RT: Tensor, mask_RT: Tensor, *, answer: int, at_once: int, hidden: int
) -> tuple[Tensor, Tensor | None, None] | None:
    """Log-probabilities, entropies and no auxiliary loss, as TRL's trainer wants them of its padded rows.

    ``answer`` is how many columns are the answer's, ``at_once`` how many rows are in memory together; None where
    sharing prompts would not be less work.
    """
    logps, entropies = [], []
    for first in range(0, len(ids_RT), at_once):
        rows = unpadded(ids_RT[first : first + at_once], mask_RT[first : first + at_once], answer)
        together = answers_together(rows, hidden)
        if together == 1:
            return None
        found, entropy = packed(rows, together=together, answer=answer, device=ids_RT.device).score(model)
        logps.append(found)
        entropies += [] if entropy is None else [entropy]
    return torch.cat(logps), torch.cat(entropies) if entropies else None, None


def answers_together(rows: Sequence[Row], hidden: int) -> int:
    """How many answers to share a prompt, of powers of two, for the least work; 1 where sharing does not pay.

    A token costs 24 hidden² operations a layer in products with weights and 4 hidden L in attention to L tokens, which
    run a third as fast (a profile of the lab on two cores).
    """
    groups: dict[tuple[int, ...], int] = {}
    for row in rows:
        groups[row.prompt] = groups.get(row.prompt, 0) + 1
    prompt = max(len(row.prompt) for row in rows)
    answer = 1 + sum(len(row.answer) for row in rows) / len(rows)

    def cost(together: int) -> float:
        length = prompt + together * answer
        return sum(-(-count // together) for count in groups.values()) * length * (1 + length / (2 * hidden))

    most = max(groups.values())
    return min((1 << power for power in range(most.bit_length())), key=cost)


def unpadded(ids_RT: Tensor, mask_RT: Tensor, answer: int) -> list[Row]:
    """Rows of padded tensors whose last ``answer`` columns are the answer's."""
    rows = []
    for place, (ids, mask) in enumerate(zip(ids_RT.tolist(), mask_RT.tolist(), strict=True)):
        kept = [[i for i, seen in zip(part, flags, strict=True) if seen] for part, flags in _parts(ids, mask, answer)]
        rows.append(Row(place, tuple(kept[0]), tuple(kept[1])))
    return rows


def _parts(ids: list[int], mask: list[int], answer: int) -> list[tuple[list[int], list[int]]]:
    return [(ids[:-answer], mask[:-answer]), (ids[-answer:], mask[-answer:])]


def packed(rows: Sequence[Row], *, together: int, answer: int, device: torch.device) -> Packs:
    """At most ``together`` answers behind each prompt; ``answer`` is the width of what ``score`` returns."""
    by_prompt: dict[tuple[int, ...], list[Row]] = {}
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
    seen = _seen(segments.to(device))
    return Packs(ids.to(device), positions.to(device), seen, labels.to(device), found.to(device))


def _seen(segments_PL: Tensor) -> Tensor:
    """Which tokens each one sees, packs x 1 x L x L: earlier ones of the prompt (0) and of its own answer."""
    length = segments_PL.shape[1]
    earlier = torch.ones((length, length), dtype=torch.bool, device=segments_PL.device).tril()
    read, reader = segments_PL[:, None, :], segments_PL[:, :, None]
    # Padding, -1, sees padding, so that no token sees nothing.
    return (earlier & ((read == 0) | (read == reader)))[:, None]
