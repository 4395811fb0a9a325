"""Patches around a training: a model without attention dropout, restored afterwards, on one GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from sampling.test_decoder import SIZES, made
from transformers import Qwen2Config, Qwen2ForCausalLM, TrainingArguments

from noisy_student.training.trl_patches import on_one_device, without_attention_dropout


def test_attention_drops_nothing_within() -> None:
    model: Any = made(Qwen2ForCausalLM, Qwen2Config(**SIZES, attention_dropout=0.5)).train()
    ids = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8]])
    with torch.no_grad():
        assert not torch.equal(model(ids).logits, model(ids).logits)
        with pytest.raises(KeyError), without_attention_dropout(model):
            assert torch.equal(model(ids).logits, model(ids).logits)
            raise KeyError
        assert not torch.equal(model(ids).logits, model(ids).logits)


@pytest.mark.parametrize(("visible", "used"), [(0, 0), (1, 1), (4, 1)])
def test_of_several_gpus_one_is_used(visible: int, used: int, tmp_path: Path) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    assert arguments.n_gpu == 0
    arguments._n_gpu = visible
    assert on_one_device(arguments).n_gpu == used
