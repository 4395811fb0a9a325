"""The optimiser and schedule of every trainer: AdamW as the Trainer sets it, in one fused kernel."""

from __future__ import annotations

import torch
from transformers import get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

# No decay on biases and norms, as transformers.Trainer decides it.
_NO_DECAY = ["bias", "layernorm", "rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


def adamw(model: torch.nn.Module, *, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with the Trainer's defaults (betas .9 and .999, eps 1e-8), fused: one kernel for all parameters."""
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
    """How the learning rate goes over ``steps`` steps, of which a share ``warmup`` raises it from 0."""
    made = get_scheduler(name, optimizer, num_warmup_steps=round(warmup * steps), num_training_steps=steps)
    assert isinstance(made, torch.optim.lr_scheduler.LambdaLR)
    return made
