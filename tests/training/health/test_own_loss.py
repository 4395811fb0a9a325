"""The loss on own examples is that of the trainer, of an adapter too, and measuring it changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from models import tiny
from training.sft.test_train import HEALTH, SPEC, encoded

from noisy_student.context import Context
from noisy_student.training.health.weights import own_loss
from noisy_student.training.sft import train as sft
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import with_adapter


def test_it_is_the_loss_that_the_trainer_has_at_its_first_step(tmp_path: Path) -> None:
    loaded = tiny.loaded()
    rows = encoded(loaded)
    before = own_loss(loaded.model, rows.rows)
    spec = SPEC.model_copy(update={"batch": len(rows.rows), "micro_batch": None, "match": "steps", "steps": 1})
    result = sft.train(loaded, rows, spec=spec, health=HEALTH, seed=1, context=Context(tmp_path))
    assert result.curve[0].loss == pytest.approx(before, rel=1e-3)
    assert own_loss(loaded.model, rows.rows) < before


def test_an_adapter_counts_and_the_mode_stays() -> None:
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
