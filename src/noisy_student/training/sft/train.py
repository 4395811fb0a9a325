"""Supervised fine-tuning through TRL: trains a loaded model in place on encoded examples.

TRL gets ids and completion masks, never text, and one epoch of rows in our own order: it depends on the seed alone,
counts are exact before the first step, and a paused training resumes without a pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from noisy_student import identity, seeds
from noisy_student.context import Context
from noisy_student.models.adapter import is_adapted
from noisy_student.models.chat import EncodedExample
from noisy_student.models.load import LoadedModel
from noisy_student.training.callback import TrainingCallback
from noisy_student.training.checkpoint import Checkpoint
from noisy_student.training.health.checkup import Checkup
from noisy_student.training.health.weights import own_loss
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.measurements import Point
from noisy_student.training.sft.dropout import DropoutMasks, residual_dropout
from noisy_student.training.sft.examples import Encoded, batch_order
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec
from noisy_student.training.student import optimizers
from noisy_student.training.trl_patches import quiet_trainer, shared_arguments, training_patches

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
    learned = rows[: health.first * spec.batch]
    watched = learned[:: max(1, len(learned) // PROBED)][:PROBED]
    checkup = Checkup(health, loaded.model, measure=lambda: {"own_loss": own_loss(loaded.model, watched)})
    callback = _run(loaded, rows, spec, checkup, seed, context)
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


def _run(
    loaded: LoadedModel, rows: list[EncodedExample], spec: SftSpec, checkup: Checkup, run_seed: int, context: Context
) -> TrainingCallback:
    model, steps = loaded.model, spec.step_count(len(rows))
    setup = Setup(spec.learning_rate, str(model.dtype).removeprefix("torch."), is_adapted(model))
    run = _identity(loaded, rows, spec, run_seed)
    saved = Checkpoint(context.scratch / "sft", run, model, *optimizers(model, spec, steps))
    # Seed torch's generator before a saved state is restored, which has its own.
    seed = seeds.seed(run_seed, "training") % 2**32
    torch.manual_seed(seed)
    done = saved.load()
    if done is not None:
        checkup.rows = list(done.more["checks"])
    callback = TrainingCallback(
        context,
        steps,
        lambda now: saved.save(replace(now, more={"checks": checkup.rows})),
        done,
        check=lambda: checkup.check(Window(setup, callback.step, callback.points), context),
    )
    checkup.begin(steps)
    try:
        if callback.step < steps:
            left = rows[callback.step * spec.batch :]
            trainer = quiet_trainer(
                SFTTrainer,
                loaded,
                {"input_ids": [row.ids for row in left], "completion_mask": [row.completion_mask for row in left]},
                _config(spec, shared_arguments(spec, model, seed=seed, context=context)),
                callbacks=[callback],
                optimizers=(saved.optimizer, saved.scheduler),
            )
            if spec.dropout:
                trainer.add_callback(DropoutMasks(run_seed, callback))
            with training_patches(loaded), residual_dropout(model, spec.dropout):
                trainer.train()
    finally:
        # The curves of a stopped training are the most needed ones.
        callback.write_curve()
    return callback


def _config(spec: SftSpec, shared: dict[str, Any]) -> SFTConfig:
    return SFTConfig(
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        completion_only_loss=spec.loss_on == "answer",
        max_length=None,
        packing=False,
        activation_checkpointing=spec.activation_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        use_cache=True,
        logging_steps=10,
        **shared,
    )


def _loss_tokens(row: EncodedExample, spec: SftSpec) -> int:
    """Tokens of a row in the loss; the first token is never predicted."""
    return sum(row.completion_mask[1:]) if spec.loss_on == "answer" else len(row.ids) - 1


def _identity(loaded: LoadedModel, rows: Sequence[EncodedExample], spec: SftSpec, seed: int) -> str:
    ids = [[list(row.ids), sum(row.completion_mask)] for row in rows]
    return identity.digest({"model": loaded.digest, "rows": ids, "spec": spec.model_dump(), "seed": seed})
