"""A student around its training: start model, adapter, optimiser and schedule, and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

from noisy_student.models.adapter import write_adapter
from noisy_student.models.load import LoadedModel, save
from noisy_student.training.lora import adapt
from noisy_student.training.specs.lora import LoraSpec


def with_adapter(loaded: LoadedModel, spec: Mapping[str, Any]) -> LoadedModel:
    """Return the model with the adapter of a stage's ``spec``, or unchanged where it has none."""
    if spec.get("lora") is None:
        return loaded
    return adapt(loaded, LoraSpec.model_validate(spec["lora"]), seed=spec["seed"])


def write_student(loaded: LoadedModel, spec: Mapping[str, Any], data: Path) -> str:
    """Write ``adapter/``, or ``model/`` for full or merged weights; return the digest."""
    lora = spec.get("lora")
    if lora is None:
        return save(loaded, data / "model")
    if not lora["merge"]:
        return write_adapter(loaded, data / "adapter")
    adapted: Any = loaded.model
    return save(replace(loaded, model=adapted.merge_and_unload()), data / "model")


def trainable(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


# No decay on biases and norms, as transformers.Trainer decides it.
_NO_DECAY = ["bias", "layernorm", "rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


def adamw(model: torch.nn.Module, *, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Build AdamW with the Trainer's defaults (betas .9 and .999, eps 1e-8), fused into one kernel."""
    decayed = set(get_parameter_names(model, [torch.nn.LayerNorm], _NO_DECAY))
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for name, p in named if name in decayed], "weight_decay": weight_decay},
        {"params": [p for name, p in named if name not in decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def schedule(
    optimizer: torch.optim.Optimizer, name: str, *, warmup: float, steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Build the learning-rate schedule of ``steps`` steps, of which a share ``warmup`` raises the rate from 0."""
    made = get_scheduler(name, optimizer, num_warmup_steps=round(warmup * steps), num_training_steps=steps)
    assert isinstance(made, torch.optim.lr_scheduler.LambdaLR)
    return made
