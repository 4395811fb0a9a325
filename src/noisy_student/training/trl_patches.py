"""Context managers that patch TRL's fused head for one training and restore the model afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import datasets
import huggingface_hub.constants
from transformers import PreTrainedModel, TrainingArguments
from trl.trainer import utils as trl_utils

from noisy_student.models.adapter import is_adapted, plain
from noisy_student.models.load import LoadedModel

QUIET: dict[str, Any] = {
    "bf16": False,
    "dataloader_pin_memory": False,
    "average_tokens_across_devices": False,
    "logging_strategy": "steps",
    "logging_nan_inf_filter": False,
    "disable_tqdm": True,
    "report_to": "none",
    "save_strategy": "no",
    "eval_strategy": "no",
}
"""Trainer settings of both methods: weights keep their type, and the Trainer saves, evaluates and reports nothing."""
REFERENCE = "ref"
"""TRL's name of the reference adapter."""
Arguments = TypeVar("Arguments", bound=TrainingArguments)


def silence_libraries() -> None:
    """Turn off TRL's report of every new trainer to the hub, and the progress bars of datasets."""
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    datasets.disable_progress_bars()


@contextmanager
def training_patches(loaded: LoadedModel) -> Iterator[None]:
    """Patch TRL's head for one training; afterwards remove the patched forward, gradients and changed configs."""
    model = loaded.model
    try:
        with _fitted_head(model), warnings.catch_warnings():
            # The Trainer itself uses the deprecated name.
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
            yield
    finally:
        plain(model).__dict__.pop("forward", None)
        model.zero_grad(set_to_none=True)
        model.train(False)
        model.activation_checkpointing_disable()
        model.config.pad_token_id = loaded.pad_id
        if model.generation_config is not None:
            model.generation_config.pad_token_id = loaded.pad_id
            model.generation_config.eos_token_id = sorted(loaded.stop_ids)


def on_one_device(arguments: Arguments) -> Arguments:
    """Restrict the Trainer to the first GPU, where ``models/load.py`` puts the model.

    On several visible GPUs it would replicate the model, which TRL refuses for GRPO.
    """
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def without_reference_adapter(model: Any) -> None:
    """Delete TRL's reference adapter, a copy of the current one, which after a pause is not the start model's.

    TRL then uses the base as the reference.
    """
    if is_adapted(model) and REFERENCE in model.peft_config:
        model.delete_adapter(REFERENCE)


@contextmanager
def without_attention_dropout(model: PreTrainedModel) -> Iterator[None]:
    """Set the dropout of attention to 0, which TRL does for dropout modules only.

    Answers are drawn without dropout, so a trainer with it would disagree with the sampler.
    """
    found = [(module, module.attention_dropout) for module in model.modules() if hasattr(module, "attention_dropout")]
    try:
        for module, _ in found:
            module.attention_dropout = 0.0  # type: ignore[assignment]
        yield
    finally:
        for module, dropout in found:
            module.attention_dropout = dropout


@contextmanager
def _fitted_head(model: PreTrainedModel) -> Iterator[None]:
    """Fit TRL's fused head to this model: the same loss and gradients in a tenth less time here.

    The buffer of logits gets no more columns than the vocabulary: for a few hundred words TRL's 32,768 put each row on
    its own page and cost as much as the model's forward pass. On a CPU only tokens of the loss go through the head,
    as with Triton; TRL would score every position, for compilers that need equal shapes.
    """
    columns = min(trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE, model.config.get_text_config().vocab_size)
    fitted: dict[str, Any] = {"_CHUNKED_LOGPROB_CHUNK_SIZE": columns}
    if model.device.type == "cpu":
        fitted["_use_triton"] = lambda device: True
    found = {name: getattr(trl_utils, name) for name in fitted}
    try:
        for name, value in fitted.items():
            setattr(trl_utils, name, value)
        yield
    finally:
        for name, value in found.items():
            setattr(trl_utils, name, value)
