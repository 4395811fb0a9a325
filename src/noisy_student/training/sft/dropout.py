"""Residual dropout in training: on the output of each sub-layer before it is added to the residual stream.

Vaswani et al. 2017, section 5.4; the noise of the noisy student in Xie et al. 2020. Masks depend on run seed and step
alone, so a resumed run has the masks of an uninterrupted one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import dropout
from transformers import TrainerCallback

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.training.callback import TrainingCallback

_SUB_LAYER = re.compile(r"(^|\.)layers\.\d+\.(self_attn|mlp)$")
"""Attention and feed-forward of a decoder layer by their names in Llama, Qwen and similar models, with an adapter or
without."""


@contextmanager
def residual_dropout(model: torch.nn.Module, share: float) -> Iterator[None]:
    """Drop ``share`` of each sub-layer's output in training mode, and divide the rest by 1 - ``share``.

    Does nothing where ``share`` is 0. Raises UserError for a model with other layer names.
    """
    found = [module for name, module in model.named_modules() if _SUB_LAYER.search(name)] if share else []
    if share and not found:
        raise UserError(
            f"sft.dropout is {share:g}, and this model has no known decoder layer.",
            why="Dropout applies to modules named layers.N.self_attn and layers.N.mlp.",
            do="Set sft.dropout = 0, or use a model of the Llama or Qwen family.",
            code="dropout-layers-missing",
        )

    def drop(module: torch.nn.Module, given: Any, output: Any) -> Any:
        # Attention returns its weights after its output.
        if isinstance(output, tuple):
            return (dropout(output[0], share, module.training), *output[1:])
        return dropout(output, share, module.training)

    hooks = [module.register_forward_hook(drop) for module in found]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class DropoutMasks(TrainerCallback):
    """Trainer callback that seeds torch's generator before every optimiser step."""

    def __init__(self, run_seed: int, callback: TrainingCallback) -> None:
        """``callback`` counts the steps, those before a pause included."""
        self._run_seed = run_seed
        self._callback = callback

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Seed by run and step; the parts of a step continue one stream."""
        torch.manual_seed(seeds.seed(self._run_seed, "dropout", step=self._callback.step))
