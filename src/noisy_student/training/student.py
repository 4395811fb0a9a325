"""A student around its training: adapter, optimiser and schedule, and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import PreTrainedModel, get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.models.adapter import write_adapter
from noisy_student.models.load import LoadedModel
from noisy_student.models.save import save
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.specs.sft import SftSpec

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
Optimizers = tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]


def with_adapter(loaded: LoadedModel, spec: Mapping[str, Any]) -> LoadedModel:
    """Return the model with the adapter of a stage's ``spec``, or unchanged where it has none."""
    lora = spec.get("lora")
    return loaded if lora is None else adapt(loaded, LoraSpec.model_validate(lora), seed=spec["seed"])


def adapt(loaded: LoadedModel, spec: LoraSpec, *, seed: int) -> LoadedModel:
    """Return the model with a new adapter that changes no output yet; its weights depend on ``seed`` alone.

    The model's own weights are frozen. Raises UserError for targets that match no linear layer.
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
    groups: dict[Any, list[str]] = {
        "all-linear": ends,
        "attention": [name for name in ATTENTION if name in ends] or list(ATTENTION),
    }
    named = [spec.targets] if isinstance(spec.targets, str) else list(spec.targets)
    wanted = groups.get(spec.targets, named)
    missing = [name for name in wanted if name not in ends]
    if missing or not wanted:
        raise UserError(
            f"lora.targets is {wanted}, and the model has no linear layer {', '.join(missing) or 'at all'}.",
            why="An adapter can be added to linear layers only.",
            do=f"Set lora.targets to some of {', '.join(ends) or 'the linear layers of another model'}.",
            code="lora-targets-missing",
        )
    return wanted


def write_student(loaded: LoadedModel, spec: Mapping[str, Any], data: Path) -> str:
    """Write ``adapter/``, or ``model/`` for full or merged weights; return the digest."""
    lora = spec.get("lora")
    if lora is None:
        return save(loaded, data / "model")
    if not lora["merge"]:
        return write_adapter(loaded, data / "adapter")
    adapted: Any = loaded.model
    return save(replace(loaded, model=adapted.merge_and_unload()), data / "model")


@torch.no_grad()
def round_weights(loaded: LoadedModel, dtype: str) -> None:
    """Round every weight to a value that ``dtype`` can hold, in place; the model keeps its own type."""
    for weight in loaded.model.parameters():
        weight.copy_(weight.to(getattr(torch, dtype)))


def trainable(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


# No decay on biases and norms, as transformers.Trainer decides it.
_NO_DECAY = ["bias", "layernorm", "rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


def optimizers(model: nn.Module, spec: SftSpec | GrpoSpec, steps: int) -> Optimizers:
    """Build AdamW with the Trainer's defaults (betas .9 and .999, eps 1e-8), fused into one kernel, and its schedule.

    A share ``spec.warmup`` of the steps raises the learning rate from 0.
    """
    decayed = set(get_parameter_names(model, [nn.LayerNorm], _NO_DECAY))
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for name, p in named if name in decayed], "weight_decay": spec.weight_decay},
        {"params": [p for name, p in named if name not in decayed], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=spec.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)
    warmup = round(spec.warmup * steps)
    schedule = get_scheduler(spec.schedule, adamw, num_warmup_steps=warmup, num_training_steps=steps)
    assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
    return adamw, schedule
