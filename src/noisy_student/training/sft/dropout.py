"""Residual dropout while a student learns: the output of each sub-layer before it is added to the stream.

Vaswani et al. 2017, section 5.4; the noise of the noisy student in Xie et al. 2020. Masks depend on run seed and step
alone, so that a resumed run drops what an uninterrupted one would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import dropout
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.training.callback import Watch

_SUB_LAYER = re.compile(r"(^|\.)layers\.\d+\.(self_attn|mlp)$")
"""Attention and feed-forward of a decoder layer as Llama, Qwen and their kin name them, under an adapter or not."""


@contextmanager
def residual_dropout(model: torch.nn.Module, share: float) -> Iterator[None]:
    """Within, each sub-layer's output loses ``share`` of its numbers while the model is in training mode.

    Numbers that stay are divided by 1 - ``share``. Where ``share`` is 0 nothing is touched. Raises UserError for a
    model whose layers are named in another way.
    """
    found = [module for name, module in model.named_modules() if _SUB_LAYER.search(name)] if share else []
    if share and not found:
        raise UserError(
            f"sft.dropout is {share:g}, and no decoder layer of this model was found.",
            why="It drops the outputs of modules that are called layers.N.self_attn and layers.N.mlp.",
            do="Set sft.dropout = 0, or take a model of the Llama or Qwen family.",
        )

    def drop(module: torch.nn.Module, given: Any, output: Any) -> Any:
        if not module.training:
            return output
        # Attention hands its weights on behind its output.
        if isinstance(output, tuple):
            return (dropout(output[0], share), *output[1:])
        return dropout(output, share)

    hooks = [module.register_forward_hook(drop) for module in found]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class Masks(TrainerCallback):
    """A callback of the Trainer that seeds torch's generator before every optimiser step of the whole run."""

    def __init__(self, run_seed: int, watch: Watch) -> None:
        """``watch`` knows the step, those before a pause counted."""
        self._run_seed = run_seed
        self._watch = watch

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Seed it by run and step; the parts of a step follow one another in one stream."""
        torch.manual_seed(seeds.seed(self._run_seed, "dropout", step=self._watch.step))
