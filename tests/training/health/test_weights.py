"""Which weights moved: none, one matrix, and never the embedding."""

from __future__ import annotations

import torch
from torch import nn

from noisy_student.training.health.weights import MOST, Weights


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.one = nn.Linear(4, 4, bias=True)
        self.other = nn.Linear(4, 4, bias=False)


def test_the_share_that_moved_and_how_far() -> None:
    model = Small()
    start = Weights(model)
    assert start.moved(model) == {"moved": 0.0, "change": 0.0}
    with torch.no_grad():
        model.one.weight.fill_(1.0)
        model.other.weight.fill_(1.0)
    ones = Weights(model)
    with torch.no_grad():
        model.one.weight += 1.0
        model.embedding.weight += 1.0
        model.one.bias += 1.0
    assert ones.moved(model) == {"moved": 0.5, "change": 0.5**0.5}


def test_what_is_not_trained_is_not_looked_at_and_of_the_rest_little_is_kept() -> None:
    model = Small()
    model.other.weight.requires_grad_(False)
    kept = Weights(model)
    with torch.no_grad():
        model.one.weight += 1.0
    assert kept.moved(model)["moved"] == 1.0
    large = nn.Sequential(nn.Linear(500, 500, bias=False))
    assert sum(values.numel() for values in Weights(large)._start.values()) < 2 * MOST
