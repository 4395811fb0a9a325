"""Supervised fine-tuning of all weights by TRL: a loaded model and encoded examples in, the same model trained out.

TRL gets ids and the completion mask, never text, and one epoch of rows in an order of our own: the order depends on
the seed alone, counts are exact before the first step, and a pause resumes without any pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import datasets
import huggingface_hub.constants
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
from noisy_student.training.callback import Watch
from noisy_student.training.checkpoint import Progress
from noisy_student.training.curves import Point
from noisy_student.training.health.checkup import Checkup, Seen
from noisy_student.training.health.weights import own_loss
from noisy_student.training.health.window import Setup
from noisy_student.training.sft.batch_order import order, step_count
from noisy_student.training.sft.dropout import Masks, residual_dropout
from noisy_student.training.sft.encode import Encoded
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec
from noisy_student.training.student import adamw, schedule
from noisy_student.training.trl_patches import lent, on_one_device

WATCHED = 8
"""How many of the examples before the first look are asked for their loss at every look; they were learned from."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run did; the weights are in the loaded model itself.

    ``trained_tokens`` counts the tokens that made the loss, ``read_tokens`` all that were read without padding, both
    over all epochs. ``examples`` is how many different ones were used, ``too_long`` names those that were not,
    ``health`` what was found at the looks.
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
    """Rows in the order of training, the seed that torch starts from, what a saved state must belong to, the looks."""

    rows: list[EncodedExample]
    run_seed: int
    seed: int
    identity: str
    checkup: Checkup


def train(
    loaded: LoadedModel, encoded: Encoded, *, spec: SftSpec, health: HealthSpec, seed: int, context: Context
) -> Trained:
    """Fine-tune ``loaded.model`` in place and leave it in evaluation mode; the curve goes to ``context.curves``.

    Raises NotTrainable when the loss stops being a number and for what ``health`` is to stop, and Paused or Interrupted
    from ``context.check()`` after saving every whole step; the same call then goes on from there.
    """
    torch.set_num_threads(spec.threads)
    positions = order([len(row.ids) for row in encoded.rows], spec, seed=seed)
    rows = [encoded.rows[position] for position in positions]
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    setup = Setup(spec.learning_rate, dtype, is_adapted(loaded.model))
    learned = rows[: health.first * spec.batch]
    model, watched = loaded.model, learned[:: max(1, len(learned) // WATCHED)][:WATCHED]
    checkup = Checkup(health, setup, model, measure=lambda: {"own_loss": own_loss(model, watched)})
    work = _Work(rows, seed, seeds.seed(seed, "training") % 2**32, _identity(loaded, rows, spec, seed), checkup)
    watch = _run(loaded, work, spec, context)
    return Trained(
        steps=watch.step,
        examples=len(set(positions)),
        trained_tokens=sum(_loss_tokens(row, spec) for row in rows),
        read_tokens=sum(len(row.ids) for row in rows),
        too_long=encoded.too_long,
        curve=tuple(watch.points),
        health=checkup.found,
        seconds=watch.seconds,
    )


def _run(loaded: LoadedModel, work: _Work, spec: SftSpec, context: Context) -> Watch:
    model = loaded.model
    steps = step_count(len(work.rows), spec)
    optimizer = adamw(model, learning_rate=spec.learning_rate, weight_decay=spec.weight_decay)
    scheduler = schedule(optimizer, spec.schedule, warmup=spec.warmup, steps=steps)
    folder = context.scratch / "sft"
    parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    # Torch's generator is seeded before a saved state is put back, since that brings its own.
    torch.manual_seed(work.seed)
    done = checkpoint.load(folder, identity=work.identity, **parts)
    checkup = work.checkup
    if done is not None:
        checkup.rows = list(done.more["looks"])

    def save(now: Progress) -> None:
        checkpoint.save(folder, replace(now, more={"looks": checkup.rows}), identity=work.identity, **parts)

    def look() -> None:
        checkup.look(Seen(watch.step, watch.points), context)

    watch = Watch(context, steps, save, done, look=look)
    checkup.begin(steps)
    try:
        if watch.step < steps:
            generator = torch.get_rng_state()
            rows = work.rows[watch.step * spec.batch :]
            trainer = _trainer(loaded, rows, spec, work.seed, watch, (optimizer, scheduler))
            torch.set_rng_state(generator)
            if spec.dropout:
                trainer.add_callback(Masks(work.run_seed, watch))
            with lent(loaded), residual_dropout(model, spec.dropout):
                trainer.train()
    finally:
        # What a run was like that was stopped is asked for most.
        curves.write(context.curves / "training.jsonl", watch.points)
    return watch


def _trainer(
    loaded: LoadedModel,
    rows: Sequence[EncodedExample],
    spec: SftSpec,
    seed: int,
    watch: Watch,
    optimizers: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR],
) -> SFTTrainer:
    # TRL reports every new trainer to the hub otherwise; this program reports nothing to anybody.
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    datasets.disable_progress_bars()
    dataset = datasets.Dataset.from_dict(
        {"input_ids": [row.ids for row in rows], "completion_mask": [row.completion_mask for row in rows]}
    )
    trainer = SFTTrainer(
        model=loaded.model,
        args=_config(spec, seed, str(watch.context.scratch / "trl"), use_cpu=loaded.model.device.type == "cpu"),
        train_dataset=dataset,
        processing_class=loaded.tokenizer,
        callbacks=[watch],
        optimizers=optimizers,
    )
    # With tqdm off the Trainer prints its logs to stdout, which belongs to the command's own output.
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
        bf16=False,
        use_cpu=use_cpu,
        use_cache=True,
        dataloader_pin_memory=False,
        average_tokens_across_devices=False,
        logging_strategy="steps",
        logging_steps=10,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        save_strategy="no",
        eval_strategy="no",
    )
    return on_one_device(arguments)


def _loss_tokens(row: EncodedExample, spec: SftSpec) -> int:
    """Tokens of a row that are predicted from something and counted in the loss: never the first."""
    return sum(row.completion_mask[1:]) if spec.loss_on == "answer" else len(row.ids) - 1


def _identity(loaded: LoadedModel, rows: Sequence[EncodedExample], spec: SftSpec, seed: int) -> str:
    ids = [[list(row.ids), sum(row.completion_mask)] for row in rows]
    return identity.digest({"model": loaded.digest, "rows": ids, "spec": spec.model_dump(), "seed": seed})
