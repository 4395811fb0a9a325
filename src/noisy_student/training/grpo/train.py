"""Training by GRPO through TRL: trains a loaded model in place on rollouts of its own.

TRL computes advantages, losses and gradients; the order of questions and the answers are ours. Every batch compares the
sampler's log-probabilities with the trainer's: without vLLM TRL ignores the sampler's, so a difference would not be
corrected.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import datasets
import torch
from transformers import PrinterCallback

from noisy_student import files, identity, seeds
from noisy_student.context import Context
from noisy_student.errors import UserError
from noisy_student.models.adapter import is_adapted
from noisy_student.models.load import LoadedModel
from noisy_student.training import checkpoint, curves
from noisy_student.training.callback import TrainingCallback
from noisy_student.training.curves import Point
from noisy_student.training.groups import Group
from noisy_student.training.grpo.config import config
from noisy_student.training.grpo.kl_to_start import FEW_ANSWERS, KlToStart
from noisy_student.training.grpo.rewards import weighted_rewards
from noisy_student.training.grpo.rl_examples import visit_order
from noisy_student.training.grpo.rollouts import RolloutInputs, Rollouts
from noisy_student.training.grpo.shared_prompts import can_share
from noisy_student.training.grpo.trainer import Trainer, trl_reward
from noisy_student.training.health.checkup import Checkup, Measured
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.probe import Criterion, judge
from noisy_student.training.student import adamw, schedule
from noisy_student.training.trl_patches import (
    silence_libraries,
    training_patches,
    without_attention_dropout,
    without_reference_adapter,
)

Optimizers = tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]


@dataclass(frozen=True, slots=True)
class GrpoResult:
    """Record of a training; the weights are in the loaded model itself.

    ``groups`` were trained on, in order; ``facts`` has a row a step; ``health`` has each diagnosed condition once, with
    the step at which it was first found; ``criteria`` are those of a probe, empty for other trainings.
    """

    steps: int
    groups: tuple[Group, ...]
    facts: tuple[dict[str, Any], ...]
    curve: tuple[Point, ...]
    resumed_at_steps: tuple[int, ...]
    health: tuple[dict[str, Any], ...]
    criteria: tuple[Criterion, ...]
    seconds: float


def train(
    loaded: LoadedModel, inputs: RolloutInputs, *, spec: GrpoSpec, health: HealthSpec, seed: int, context: Context
) -> GrpoResult:
    """Train ``loaded.model`` in place and leave it in evaluation mode; curves go to ``context.curves``.

    Raises NotTrainable when loss or logits become NaN and for a diagnosis that stops the training, UserError when
    sampler and trainer disagree, and Paused or Interrupted from ``context.check()`` after saving every whole step; the
    same call then resumes there.
    """
    _require_stop_ids(loaded)
    torch.set_num_threads(spec.threads)
    names = sorted(inputs.labels)
    batches = spec.step_count(len(names))
    asked = [names[place] for place in visit_order(len(names), batches * spec.prompts, seed=seed)]
    run = _Run(loaded, inputs, spec, seed, context, asked)
    run.checkup = Checkup(
        health, _setup(loaded, inputs, spec), loaded.model, measure=run.on_dev if inputs.dev else None
    )
    callback = run.go()
    return GrpoResult(
        steps=callback.step,
        groups=tuple(run.rollouts.groups),
        facts=tuple(run.rollouts.facts),
        curve=tuple(callback.points),
        resumed_at_steps=tuple(run.resumed),
        health=run.checkup.found,
        criteria=tuple(run.criteria()),
        seconds=callback.seconds,
    )


def _setup(loaded: LoadedModel, inputs: RolloutInputs, spec: GrpoSpec) -> Setup:
    return Setup(
        learning_rate=spec.learning_rate,
        dtype=str(loaded.model.dtype).removeprefix("torch."),
        adapter=is_adapted(loaded.model),
        grpo=spec,
        gold=inputs.unreadable_gold + sum(label.origin == "gold" for label in inputs.labels.values()),
        unreadable=inputs.unreadable_gold,
    )


def _require_stop_ids(loaded: LoadedModel) -> None:
    vocabulary = int(loaded.model.config.get_text_config().vocab_size)
    if not any(token < vocabulary for token in loaded.stop_ids):
        raise UserError(
            f"The start model's stop ids {sorted(loaded.stop_ids)} lie outside of its {vocabulary} tokens.",
            why="No answer could end; every one would be cut at the cap.",
            do="Fix eos_token_id in its generation_config.json and tokenizer.",
            code="stop-ids-outside",
        )


class _Run:
    """State of one call of ``train``: optimiser, saved state, rollouts and trainer."""

    checkup: Checkup

    def __init__(
        self, loaded: LoadedModel, inputs: RolloutInputs, spec: GrpoSpec, seed: int, context: Context, asked: list[str]
    ) -> None:
        self._loaded, self._spec, self._asked, self._context = loaded, spec, asked, context
        self._seed = seeds.seed(seed, "training") % 2**32
        self._identity = identity.digest(
            {
                "model": loaded.digest,
                "asked": asked,
                "labels": {
                    name: [label.answer, label.origin, label.agreement] for name, label in inputs.labels.items()
                },
                "prompts": {name: list(prompt) for name, prompt in inputs.prompts.items()},
                "spec": spec.model_dump(),
                "seed": seed,
            }
        )
        self.rollouts = Rollouts(inputs, spec, seed, check=lambda: self._callback.ask())
        self.resumed: list[int] = []

    def on_dev(self) -> dict[str, Any]:
        """Answer the dev questions with the current model."""
        return self.rollouts.on_dev(self._loaded.model)

    def _write_curves(self) -> None:
        """Write logs and measurements so far beside the data."""
        folder = self._context.curves
        curves.write(folder / "training.jsonl", self._callback.points)
        files.write_jsonl(folder / "rollouts.jsonl", self.rollouts.facts)

    def criteria(self) -> list[Criterion]:
        """Judge the criteria of a probe so far; empty for other trainings."""
        probe = self._spec.probe
        window = Window(self.checkup.setup, self._callback.step, self._callback.points, self.rollouts.facts)
        return [] if probe is None else judge(probe, self.rollouts.facts, window.kl_to_start)

    def _check(self) -> bool:
        """Run a health check where one is due; return whether a probe has met its criteria and the training ends."""
        measured = Measured(self._callback.step, self._callback.points, self.rollouts.facts, self.rollouts.groups)
        self.checkup.check(measured, self._context)
        probe = self._spec.probe
        return probe is not None and probe.due(measured.step) and all(item.held for item in self.criteria())

    def go(self) -> TrainingCallback:
        spec, model = self._spec, self._loaded.model
        steps = len(self._asked) // spec.prompts * spec.num_iterations
        optimizer = adamw(model, learning_rate=spec.learning_rate, weight_decay=spec.weight_decay)
        scheduler = schedule(optimizer, spec.schedule, warmup=spec.warmup, steps=steps)
        folder = self._context.scratch / "grpo"
        parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        torch.manual_seed(self._seed)
        kl_to_start = None
        if spec.beta == 0 and spec.drift_every is not None:
            # A probe is judged by the divergence, so it is measured on all answers.
            few = None if spec.probe is not None else spec.generations * -(-FEW_ANSWERS // spec.generations)
            kl_to_start = KlToStart(model, temperature=spec.temperature, every=spec.drift_every, answers=few)
        done = checkpoint.load(folder, identity=self._identity, **parts)
        if done is not None:
            self._restore(done)
        self._callback = TrainingCallback(
            self._context,
            steps,
            lambda now: checkpoint.save(folder, replace(now, more=self._more()), identity=self._identity, **parts),
            done,
            cycle=spec.num_iterations,
            check=self._check,
        )
        try:
            self._take_steps(steps, (optimizer, scheduler), at_start=done is None, kl_to_start=kl_to_start)
        finally:
            # The curves of a stopped training are the most needed ones.
            self._write_curves()
        return self._callback

    def _take_steps(self, steps: int, optimizers: Optimizers, *, at_start: bool, kl_to_start: KlToStart | None) -> None:
        """Take the remaining steps."""
        spec, model = self._spec, self._loaded.model
        self.checkup.begin(steps)
        # A pause within a health check leaves the check undone.
        if self._check() or self._callback.step == steps:
            return
        generator = torch.get_rng_state()
        trainer = self._trainer(steps - self._callback.step, optimizers)
        trainer.facts, trainer.at_start, trainer.kl_to_start = self.rollouts.facts, at_start, kl_to_start
        trainer.setup = self.checkup.setup
        without_reference_adapter(model)
        trainer.own_rows = spec.share_prompts
        trainer.hidden = model.config.hidden_size if can_share(model) else None
        torch.set_rng_state(generator)
        with training_patches(self._loaded), without_attention_dropout(model):
            trainer.train()

    def _more(self) -> dict[str, Any]:
        """State of a resumed run beside weights, of whole steps only."""
        whole = self._callback.step // self._spec.num_iterations
        return {
            "groups": [group.row for group in self.rollouts.groups if group.step < whole],
            "facts": self.rollouts.facts[:whole],
            "resumed_at_steps": self.resumed,
            "checks": self.checkup.rows,
        }

    def _restore(self, done: checkpoint.Progress) -> None:
        self.rollouts.groups = [Group(**row) for row in done.more["groups"]]
        self.rollouts.facts = list(done.more["facts"])
        self.rollouts.step = done.step // self._spec.num_iterations
        self.checkup.rows = list(done.more["checks"])
        self.resumed = [*done.more["resumed_at_steps"], done.step]

    def _trainer(self, steps: int, optimizers: Optimizers) -> Trainer:
        silence_libraries()
        spec = self._spec
        rewards = weighted_rewards(spec.rewards, self._loaded.stop_ids)
        rows = self._asked[self.rollouts.step * spec.prompts :]
        with warnings.catch_warnings():
            # The warning says that rollout_func may change; the contract test would fail then.
            warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
            trainer = Trainer(
                model=self._loaded.model,
                reward_funcs=[trl_reward(name, reward) for name, (reward, _) in rewards.items()],
                args=config(
                    spec,
                    steps=steps,
                    weights=[weight for _, weight in rewards.values()],
                    seed=self._seed,
                    output_dir=str(self._context.scratch / "trl"),
                    use_cpu=self._loaded.model.device.type == "cpu",
                ),
                train_dataset=datasets.Dataset.from_dict({"prompt": rows}),
                processing_class=self._loaded.tokenizer,
                callbacks=[self._callback],
                optimizers=optimizers,
                rollout_func=self.rollouts,
            )
        # With tqdm off the Trainer would print its logs to stdout, which is the command's.
        trainer.remove_callback(PrinterCallback)
        return trainer
