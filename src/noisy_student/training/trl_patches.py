"""TRL's trainers as both methods use them: shared settings, and patches of its fused head for one training."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import datasets
import huggingface_hub.constants
import torch
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainingArguments
from trl.trainer import utils as trl_utils

from noisy_student.context import Context
from noisy_student.models.adapter import is_adapted, plain
from noisy_student.models.load import LoadedModel
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.sft import SftSpec

AnyTrainer = TypeVar("AnyTrainer", bound=Trainer)


def shared_arguments(
    spec: SftSpec | GrpoSpec, model: PreTrainedModel, *, seed: int, context: Context
) -> dict[str, Any]:
    """Return the Trainer settings of both methods: weights keep their type; it saves, evaluates and reports nothing."""
    micro = spec.micro_batch or spec.batch
    return {
        "output_dir": str(context.scratch / "trl"),
        "use_cpu": model.device.type == "cpu",
        "seed": seed,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": spec.batch // micro,
        "learning_rate": spec.learning_rate,
        "weight_decay": spec.weight_decay,
        "max_grad_norm": spec.max_grad_norm,
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


def quiet_trainer(
    kind: type[AnyTrainer], loaded: LoadedModel, rows: Mapping[str, Any], arguments: TrainingArguments, **more: Any
) -> AnyTrainer:
    """Build a trainer of columns ``rows`` that prints and reports nothing; torch's generator keeps its state."""
    # TRL reports every new trainer to the hub.
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    datasets.disable_progress_bars()
    generator = torch.get_rng_state()
    with warnings.catch_warnings():
        # The warning says that rollout_func may change; the contract test would fail then.
        warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
        trainer = kind(
            model=loaded.model,
            args=on_one_device(arguments),
            train_dataset=datasets.Dataset.from_dict(dict(rows)),
            processing_class=loaded.tokenizer,
            **more,
        )
    torch.set_rng_state(generator)
    # With tqdm off the Trainer would print its logs to stdout, which is the command's.
    trainer.remove_callback(PrinterCallback)
    return trainer


def on_one_device(arguments: TrainingArguments) -> TrainingArguments:
    """Restrict the Trainer to the first GPU, where ``models/load.py`` puts the model.

    On several visible GPUs it would replicate the model, which TRL refuses for GRPO.
    """
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


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


def without_reference_adapter(model: Any) -> None:
    """Delete TRL's reference adapter, so that the base is the reference: after a pause the adapter's copy is not."""
    if is_adapted(model) and "ref" in model.peft_config:
        model.delete_adapter("ref")


def without_attention_dropout(model: PreTrainedModel) -> AbstractContextManager[None]:
    """Set the dropout of attention to 0, which TRL does for dropout modules only.

    Answers are drawn without dropout, so a trainer with it would disagree with the sampler.
    """
    attentions = [module for module in model.modules() if hasattr(module, "attention_dropout")]
    return _changed([(module, "attention_dropout", 0.0) for module in attentions])


def _fitted_head(model: PreTrainedModel) -> AbstractContextManager[None]:
    """Fit TRL's fused head to this model: the same loss and gradients in a tenth less time here.

    The buffer of logits gets no more columns than the vocabulary: for a few hundred words TRL's 32,768 put each row on
    its own page and cost as much as the model's forward pass. On a CPU only tokens of the loss go through the head,
    as with Triton; TRL would score every position, for compilers that need equal shapes.
    """
    columns = min(trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE, model.config.get_text_config().vocab_size)
    changes: list[tuple[Any, str, Any]] = [(trl_utils, "_CHUNKED_LOGPROB_CHUNK_SIZE", columns)]
    if model.device.type == "cpu":
        changes.append((trl_utils, "_use_triton", lambda device: True))
    return _changed(changes)


@contextmanager
def _changed(changes: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Set attributes (owner, name, value), and restore them afterwards."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for change in changes:
            setattr(*change)
        yield
    finally:
        for earlier in before:
            setattr(*earlier)
