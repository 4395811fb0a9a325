"""What this machine's matrix products allow: the limit that ``benchmarks/sampling.py`` holds our decoder against."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

SQUARE = 2048
SECONDS = 0.5
"""For how long each product is repeated; its fastest time counts."""


@dataclass(frozen=True, slots=True)
class Multiplied:
    """Parameters that a token is multiplied with: the layers' matrices and the output head; attention is left out."""

    layers: int
    head: int

    @classmethod
    def of(cls, model: PreTrainedModel) -> Multiplied:
        """Those of a model; a head that shares the embedding's weights counts, the look-up does not."""
        head = model.get_output_embeddings()
        assert isinstance(head, nn.Linear)
        every = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
        return cls(every - head.weight.numel(), head.weight.numel())

    def decoding(self, tokens: int) -> float:
        """Operations for so many tokens fed one at a time."""
        return 2.0 * (self.layers + self.head) * tokens

    def reading(self, tokens: int, prompts: int) -> float:
        """Operations for prompts of so many tokens: only the last one of each needs the head."""
        return 2.0 * (self.layers * tokens + self.head * prompts)


def matmul_limit(model: PreTrainedModel, rows: int) -> dict[str, float]:
    """Operations a second of float32 products: rows x each of the model's widest and largest matrices, and a square."""
    head = model.get_output_embeddings()
    linear = [part for part in model.modules() if isinstance(part, nn.Linear) and part is not head]
    largest = max(linear, key=lambda part: part.weight.numel())
    assert isinstance(head, nn.Linear)
    sides = {"layer": largest.weight, "head": head.weight, "square": torch.empty(SQUARE, SQUARE)}
    return {name: _speed(SQUARE if name == "square" else rows, side) for name, side in sides.items()}


@torch.inference_mode()
def _speed(rows: int, like: Tensor) -> float:
    """Operations a second of the fastest of many products of so many rows with a matrix of this shape."""
    side, other = torch.randn(rows, like.shape[1]), torch.randn(like.shape).T
    out = torch.empty(rows, like.shape[0])
    torch.mm(side, other, out=out)
    best, end = float("inf"), time.monotonic() + SECONDS
    while time.monotonic() < end:
        start = time.perf_counter()
        torch.mm(side, other, out=out)
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows * like.numel() / best
