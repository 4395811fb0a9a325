"""What a TRL trainer is lent and leaves behind: its fused head fitted to a model, and the model as it was before."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from transformers import PreTrainedModel, TrainingArguments
from trl.trainer import utils as trl_utils

from noisy_student.models.adapter import is_adapted, plain
from noisy_student.models.load import LoadedModel

REFERENCE = "ref"
"""TRL's name for it."""
Arguments = TypeVar("Arguments", bound=TrainingArguments)


@contextmanager
def lent(loaded: LoadedModel) -> Iterator[None]:
    """Within, a trainer may train the model; after, what TRL and the Trainer leave on it is taken back.

    That is a patched forward, gradients, and its configs.
    """
    model = loaded.model
    try:
        with _fitted_head(model), warnings.catch_warnings():
            # It is raised by the Trainer's own question to the model, not by anything that can be changed here.
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
    """The same settings for one device: of several GPUs in sight the Trainer would make one model in parallel copies.

    TRL refuses that for GRPO. The model stands on the first, since ``models/load.py`` puts it there.
    """
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def without_reference(model: Any) -> None:
    """Take away the adapter ``ref`` that TRL copies from the one at hand: after a pause that is no start model.

    Without it TRL asks the base for the reference.
    """
    if is_adapted(model) and REFERENCE in model.peft_config:
        model.delete_adapter(REFERENCE)


@contextmanager
def undropped(model: PreTrainedModel) -> Iterator[None]:
    """Within, attention drops nothing: TRL switches off modules of dropout, and attention reads a number of its own.

    Answers are drawn without dropout, so a trainer with it would be another model.
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
    """Fit TRL's fused head to this model: its loss and gradients stay what they are, in a tenth less time here.

    Its buffer of logits has as many columns as the vocabulary at most: 32,768 for a few hundred words put each row on
    a page of its own and cost as much as the model's own forward pass. And on a CPU, too, only tokens that make the
    loss go through the head: TRL scores every position where Triton is not, for compilers that want equal shapes.
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
