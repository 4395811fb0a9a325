"""Measurements for health checks: changed weights, and the loss on own examples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from models import tiny
from torch import nn
from training.sft.test_train import HEALTH, SPEC, encoded

from noisy_student.context import Context
from noisy_student.training.health.weights import SAMPLED_WEIGHTS, StartWeights, own_loss
from noisy_student.training.sft import train as sft
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import with_adapter


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.one = nn.Linear(4, 4, bias=True)
        self.other = nn.Linear(4, 4, bias=False)


def test_the_share_that_moved_and_how_far() -> None:
    model = Small()
    start = StartWeights(model)
    assert start.moved(model) == {"moved": 0.0, "change": 0.0}
    with torch.no_grad():
        model.one.weight.fill_(1.0)
        model.other.weight.fill_(1.0)
    ones = StartWeights(model)
    with torch.no_grad():
        model.one.weight += 1.0
        model.embedding.weight += 1.0
        model.one.bias += 1.0
    assert ones.moved(model) == {"moved": 0.5, "change": 0.5**0.5}


def test_what_is_not_trained_is_not_looked_at_and_of_the_rest_little_is_kept() -> None:
    model = Small()
    model.other.weight.requires_grad_(False)
    kept = StartWeights(model)
    with torch.no_grad():
        model.one.weight += 1.0
    assert kept.moved(model)["moved"] == 1.0
    large = nn.Sequential(nn.Linear(500, 500, bias=False))
    assert sum(values.numel() for values in StartWeights(large)._start.values()) < 2 * SAMPLED_WEIGHTS


def test_the_own_loss_is_the_loss_that_the_trainer_has_at_its_first_step(tmp_path: Path) -> None:
    loaded = tiny.loaded()
    rows = encoded(loaded)
    before = own_loss(loaded.model, rows.rows)
    spec = SPEC.model_copy(update={"batch": len(rows.rows), "micro_batch": None, "match": "steps", "steps": 1})
    result = sft.train(loaded, rows, spec=spec, health=HEALTH, seed=1, context=Context(tmp_path))
    assert result.curve[0].loss == pytest.approx(before, rel=1e-3)
    assert own_loss(loaded.model, rows.rows) < before


def test_the_own_loss_counts_an_adapter_and_the_mode_stays() -> None:
    loaded = tiny.loaded()
    rows = encoded(loaded).rows
    plain = own_loss(loaded.model, rows)
    adapted = with_adapter(loaded, {"lora": LoraSpec(rank=2).model_dump(mode="json"), "seed": 1})
    adapted.model.train()
    assert own_loss(adapted.model, rows) == pytest.approx(plain)
    with torch.no_grad():
        for name, parameter in adapted.model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.3)
    assert own_loss(adapted.model, rows) != pytest.approx(plain)
    assert adapted.model.training
