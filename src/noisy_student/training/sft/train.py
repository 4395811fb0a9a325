"""Supervised fine-tuning through TRL: trains a loaded model in place on encoded examples.

TRL gets ids and completion masks, never text, and one epoch of rows in our own order: it depends on the seed alone,
counts are exact before the first step, and a paused training resumes without a pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import datasets
import torch
from transformers import PrinterCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from noisy_student import identity, seeds
from noisy_student.context import Context
from noisy_student.models.adapter import is_adapted
from noisy_student.models.chat import EncodedExample
from noisy_student.models.load import LoadedModel
from noisy_student.training import checkpoint, curves
from noisy_student.training.callback import TrainingCallback
from noisy_student.training.checkpoint import Progress
from noisy_student.training.curves import Point
from noisy_student.training.health.checkup import Checkup, Measured
from noisy_student.training.health.weights import own_loss
from noisy_student.training.health.window import Setup
from noisy_student.training.sft.batch_order import batch_order, step_count
from noisy_student.training.sft.dropout import DropoutMasks, residual_dropout
from noisy_student.training.sft.encode import Encoded
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec
from noisy_student.training.student import adamw, schedule
from noisy_student.training.trl_patches import QUIET, on_one_device, silence_libraries, training_patches

PROBED = 8
"""Training examples, of those before the first check, whose loss is measured at every check."""


@dataclass(frozen=True, slots=True)
class SftResult:
    """Record of a training; the weights are in the loaded model itself.

    ``trained_tokens`` counts the tokens of the loss, ``read_tokens`` all tokens without padding, both over all epochs.
    ``examples`` counts different ones, ``too_long`` has the question ids of those left out, ``health`` each diagnosed
    condition once.
    """

    steps: int
    examples: int
    trained_tokens: int
    read_tokens: int
    too_long: tuple[str, ...]
    curve: tuple[Point, ...]
    health: tuple[dict[str, Any], ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Work:
    """Rows in the order of training, torch's first seed, the identity of saved states, and the health checks."""

    rows: list[EncodedExample]
    run_seed: int
    seed: int
    identity: str
    checkup: Checkup


def train(
    loaded: LoadedModel, encoded: Encoded, *, spec: SftSpec, health: HealthSpec, seed: int, context: Context
) -> SftResult:
    """Fine-tune ``loaded.model`` in place and leave it in evaluation mode; the curve goes to ``context.curves``.

    Raises NotTrainable when the loss becomes NaN and for a diagnosis that stops the training, and Paused or Interrupted
    from ``context.check()`` after saving every whole step; the same call then resumes there.
    """
    torch.set_num_threads(spec.threads)
    positions = batch_order([len(row.ids) for row in encoded.rows], spec, seed=seed)
    rows = [encoded.rows[position] for position in positions]
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    setup = Setup(spec.learning_rate, dtype, is_adapted(loaded.model))
    learned = rows[: health.first * spec.batch]
    model, watched = loaded.model, learned[:: max(1, len(learned) // PROBED)][:PROBED]
    checkup = Checkup(health, setup, model, measure=lambda: {"own_loss": own_loss(model, watched)})
    work = _Work(rows, seed, seeds.seed(seed, "training") % 2**32, _identity(loaded, rows, spec, seed), checkup)
    callback = _run(loaded, work, spec, context)
    return SftResult(
        steps=callback.step,
        examples=len(set(positions)),
        trained_tokens=sum(_loss_tokens(row, spec) for row in rows),
        read_tokens=sum(len(row.ids) for row in rows),
        too_long=encoded.too_long,
        curve=tuple(callback.points),
        health=checkup.found,
        seconds=callback.seconds,
    )


def _run(loaded: LoadedModel, work: _Work, spec: SftSpec, context: Context) -> TrainingCallback:
    model = loaded.model
    steps = step_count(len(work.rows), spec)
    optimizer = adamw(model, learning_rate=spec.learning_rate, weight_decay=spec.weight_decay)
    scheduler = schedule(optimizer, spec.schedule, warmup=spec.warmup, steps=steps)
    folder = context.scratch / "sft"
    parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    # Seed torch's generator before a saved state is restored, which has its own.
    torch.manual_seed(work.seed)
    done = checkpoint.load(folder, identity=work.identity, **parts)
    checkup = work.checkup
    if done is not None:
        checkup.rows = list(done.more["checks"])

    def save(now: Progress) -> None:
        checkpoint.save(folder, replace(now, more={"checks": checkup.rows}), identity=work.identity, **parts)

    def check() -> None:
        checkup.check(Measured(callback.step, callback.points), context)

    callback = TrainingCallback(context, steps, save, done, check=check)
    checkup.begin(steps)
    try:
        if callback.step < steps:
            generator = torch.get_rng_state()
            rows = work.rows[callback.step * spec.batch :]
            trainer = _trainer(loaded, rows, spec, work.seed, callback, (optimizer, scheduler))
            torch.set_rng_state(generator)
            if spec.dropout:
                trainer.add_callback(DropoutMasks(work.run_seed, callback))
            with training_patches(loaded), residual_dropout(model, spec.dropout):
                trainer.train()
    finally:
        # The curves of a stopped training are the most needed ones.
        curves.write(context.curves / "training.jsonl", callback.points)
    return callback


def _trainer(
    loaded: LoadedModel,
    rows: Sequence[EncodedExample],
    spec: SftSpec,
    seed: int,
    callback: TrainingCallback,
    optimizers: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR],
) -> SFTTrainer:
    silence_libraries()
    dataset = datasets.Dataset.from_dict(
        {"input_ids": [row.ids for row in rows], "completion_mask": [row.completion_mask for row in rows]}
    )
    trainer = SFTTrainer(
        model=loaded.model,
        args=_config(spec, seed, str(callback.context.scratch / "trl"), use_cpu=loaded.model.device.type == "cpu"),
        train_dataset=dataset,
        processing_class=loaded.tokenizer,
        callbacks=[callback],
        optimizers=optimizers,
    )
    # With tqdm off the Trainer would print its logs to stdout, which is the command's.
    trainer.remove_callback(PrinterCallback)
    return trainer


def _config(spec: SftSpec, seed: int, output_dir: str, *, use_cpu: bool) -> SFTConfig:
    arguments = SFTConfig(
        output_dir=output_dir,
        num_train_epochs=1,
        per_device_train_batch_size=spec.micro_batch or spec.batch,
        gradient_accumulation_steps=spec.batch // (spec.micro_batch or spec.batch),
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        train_sampling_strategy="sequential",
        seed=seed,
        completion_only_loss=spec.loss_on == "answer",
        max_length=None,
        packing=False,
        activation_checkpointing=spec.activation_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        use_cpu=use_cpu,
        use_cache=True,
        logging_steps=10,
        **QUIET,
    )
    return on_one_device(arguments)


def _loss_tokens(row: EncodedExample, spec: SftSpec) -> int:
    """Tokens of a row in the loss; the first token is never predicted."""
    return sum(row.completion_mask[1:]) if spec.loss_on == "answer" else len(row.ids) - 1


def _identity(loaded: LoadedModel, rows: Sequence[EncodedExample], spec: SftSpec, seed: int) -> str:
    ids = [[list(row.ids), sum(row.completion_mask)] for row in rows]
    return identity.digest({"model": loaded.digest, "rows": ids, "spec": spec.model_dump(), "seed": seed})
