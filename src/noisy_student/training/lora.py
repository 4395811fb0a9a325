"""Low-rank adapters: add one to a loaded model, whose own weights are then frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.models.load import LoadedModel
from noisy_student.training.specs.lora import LoraSpec

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def adapt(loaded: LoadedModel, spec: LoraSpec, *, seed: int) -> LoadedModel:
    """Return the model with a new adapter that changes no output yet; its weights depend on ``seed`` alone.

    Raises UserError for targets that match no linear layer.
    """
    names = _targets(loaded.model, spec)
    # The adapter is made before TRL seeds, so seed here.
    torch.manual_seed(seeds.seed(seed, "adapter") % 2**32)
    config = LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,  # type: ignore[arg-type]
        target_modules=names,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted: Any = get_peft_model(loaded.model, config)
    return replace(loaded, model=adapted)


def _targets(model: PreTrainedModel, spec: LoraSpec) -> list[str]:
    """Last parts of the names of the layers that get an adapter."""
    head = model.get_output_embeddings()
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and module is not head]
    ends = sorted({name.rpartition(".")[2] for name in linear})
    if spec.targets == "all-linear":
        wanted: tuple[str, ...] = tuple(ends)
    else:
        named = (spec.targets,) if isinstance(spec.targets, str) else spec.targets
        wanted = ATTENTION if spec.targets == "attention" else named
    missing = [name for name in wanted if name not in ends]
    if spec.targets == "attention" and len(missing) < len(wanted):
        wanted, missing = tuple(name for name in wanted if name in ends), []
    if missing or not wanted:
        raise UserError(
            f"lora.targets is {list(wanted)}, and the model has no linear layer {', '.join(missing) or 'at all'}.",
            why="An adapter can be added to linear layers only.",
            do=f"Name some of {', '.join(ends) or 'another model'}.",
            code="lora-targets-missing",
        )
    return list(wanted)
