"""Supervised fine-tuning through TRL: trains a loaded model in place on encoded examples.

TRL gets ids and completion masks, never text, and one epoch of rows in our own order: it depends on the seed alone,
counts are exact before the first step, and a paused training resumes without a pickle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.functional import dropout
from transformers import TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from noisy_student import identity, seeds
from noisy_student.context import Context
from noisy_student.errors import UserError
from noisy_student.models.adapter import is_adapted
from noisy_student.models.chat import EncodedExample
from noisy_student.models.load import LoadedModel
from noisy_student.training.callback import TrainingCallback
from noisy_student.training.checkpoint import Checkpoint
from noisy_student.training.health.checkup import Checkup, own_loss
from noisy_student.training.health.window import Setup, Window, first_seen
from noisy_student.training.measurements import Point
from noisy_student.training.sft.examples import Encoded, batch_order, order_matters
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import UNSEEDED, SftSpec
from noisy_student.training.student import optimizers
from noisy_student.training.trl_patches import quiet_trainer, shared_arguments, training_patches

PROBED = 8
"""Training examples, of those before the first check, whose loss is measured at every check."""
_SUB_LAYER = re.compile(r"(^|\.)layers\.\d+\.(self_attn|mlp)$")
"""Attention and feed-forward of a decoder layer by their names in Llama, Qwen and similar models, with an adapter or
without."""


@dataclass(frozen=True, slots=True)
class SftResult:
    """Record of a training; the weights are in the loaded model itself.

    ``trained_tokens`` counts the tokens of the loss, ``read_tokens`` all tokens without padding, both over all epochs.
    ``examples`` counts different ones, ``too_long`` has the question ids of those left out, ``health`` each diagnosed
    condition once. Where not ``seeded``, every seed gives the same student, up to the rounding of sums.
    """

    steps: int
    examples: int
    trained_tokens: int
    read_tokens: int
    too_long: tuple[str, ...]
    curve: tuple[Point, ...]
    health: tuple[dict[str, Any], ...]
    seconds: float
    seeded: bool


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
    # The seed also draws dropout masks and the first weights of an adapter.
    seeded = bool(spec.dropout) or is_adapted(loaded.model) or order_matters(len(encoded.rows), spec)
    if not seeded:
        context.notice(UNSEEDED)
    callback = _run(loaded, rows, spec, checkup, seed, context)
    return SftResult(
        steps=callback.step,
        examples=len(set(positions)),
        trained_tokens=sum(_loss_tokens(row, spec) for row in rows),
        read_tokens=sum(len(row.ids) for row in rows),
        too_long=encoded.too_long,
        curve=tuple(callback.points),
        health=tuple(first_seen(checkup.rows)),
        seconds=callback.seconds,
        seeded=seeded,
    )


def _run(
    loaded: LoadedModel, rows: list[EncodedExample], spec: SftSpec, checkup: Checkup, run_seed: int, context: Context
) -> TrainingCallback:
    model, steps = loaded.model, spec.step_count(len(rows))
    setup = Setup(spec.learning_rate, str(model.dtype).removeprefix("torch."), is_adapted(model))
    ids = [[list(row.ids), sum(row.completion_mask)] for row in rows]
    run = identity.digest({"model": loaded.digest, "rows": ids, "spec": spec.model_dump(), "seed": run_seed})
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


@contextmanager
def residual_dropout(model: torch.nn.Module, share: float) -> Iterator[None]:
    """Drop ``share`` of each sub-layer's output in training mode, and divide the rest by 1 - ``share``.

    Residual dropout acts before the output is added to the residual stream (Vaswani et al. 2017, section 5.4; the noise
    of the noisy student in Xie et al. 2020). Raises UserError for a model with other layer names, unless share is 0.
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
    """Trainer callback that seeds torch's generator before every optimiser step.

    Masks depend on run seed and step alone, so a resumed run has the masks of an uninterrupted one.
    """

    def __init__(self, run_seed: int, callback: TrainingCallback) -> None:
        """``callback`` counts the steps, those before a pause included."""
        self._run_seed = run_seed
        self._callback = callback

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Seed by run and step; the parts of a step continue one stream."""
        torch.manual_seed(seeds.seed(self._run_seed, "dropout", step=self._callback.step))
