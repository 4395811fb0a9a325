"""Training by GRPO through TRL: trains a loaded model in place on rollouts of its own.

TRL computes advantages, losses and gradients; the order of questions and the answers are ours. Every batch compares the
sampler's log-probabilities with the trainer's: without vLLM TRL ignores the sampler's, so a difference would not be
corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch

from noisy_student import files, identity, seeds
from noisy_student.context import Context
from noisy_student.errors import UserError
from noisy_student.models.adapter import is_adapted
from noisy_student.models.load import LoadedModel
from noisy_student.training.callback import TrainingCallback
from noisy_student.training.checkpoint import Checkpoint, Progress
from noisy_student.training.grpo.rewards import trl_reward, weighted_rewards
from noisy_student.training.grpo.rl_examples import visit_order
from noisy_student.training.grpo.rollouts import RolloutInputs, Rollouts
from noisy_student.training.grpo.shared_prompts import shared_width
from noisy_student.training.grpo.trainer import KlToStart, Trainer, config
from noisy_student.training.health.checkup import Checkup
from noisy_student.training.health.window import Setup, Window, first_seen
from noisy_student.training.measurements import Group, Point
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.probe import Criterion, judge
from noisy_student.training.student import optimizers
from noisy_student.training.trl_patches import (
    quiet_trainer,
    shared_arguments,
    training_patches,
    without_attention_dropout,
    without_reference_adapter,
)


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
    run = _Run(loaded, inputs, spec, health, seed, context)
    run.take_steps()
    return GrpoResult(
        steps=run.callback.step,
        groups=tuple(run.rollouts.groups),
        facts=tuple(run.rollouts.facts),
        curve=tuple(run.callback.points),
        resumed_at_steps=tuple(run.resumed),
        health=tuple(first_seen(run.checkup.rows)),
        criteria=tuple(run.criteria()),
        seconds=run.callback.seconds,
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
    """State of one call of ``train``: optimiser, saved state, rollouts and health checks."""

    def __init__(
        self,
        loaded: LoadedModel,
        inputs: RolloutInputs,
        spec: GrpoSpec,
        health: HealthSpec,
        seed: int,
        context: Context,
    ) -> None:
        self._loaded, self._spec, self._context = loaded, spec, context
        model = loaded.model
        names = sorted(inputs.labels)
        batches = spec.step_count(len(names))
        order = visit_order(len(names), batches * spec.prompts, seed=seed)
        self._asked = [names[place] for place in order]
        self._seed = seeds.seed(seed, "training") % 2**32
        self._setup = Setup(
            learning_rate=spec.learning_rate,
            dtype=str(model.dtype).removeprefix("torch."),
            adapter=is_adapted(model),
            grpo=spec,
            gold=inputs.unreadable_gold + sum(label.origin == "gold" for label in inputs.labels.values()),
            unreadable=inputs.unreadable_gold,
        )
        self.rollouts = Rollouts(inputs, spec, seed, check=lambda: self.callback.ask())
        on_dev = partial(self.rollouts.on_dev, model)
        self.checkup = Checkup(health, model, measure=on_dev if inputs.dev else None)
        self.resumed: list[int] = []
        steps = batches * spec.num_iterations
        run = _identity(loaded, inputs, spec, self._asked, seed)
        self._saved = Checkpoint(context.scratch / "grpo", run, model, *optimizers(model, spec, steps))
        torch.manual_seed(self._seed)
        self._kl_to_start = None
        if spec.beta == 0 and spec.drift_every is not None:
            self._kl_to_start = KlToStart(model, spec, every=spec.drift_every)
        done = self._saved.load()
        self._at_start = done is None
        if done is not None:
            self._restore(done)
        self.callback = TrainingCallback(context, steps, self._save, done, cycle=spec.num_iterations, check=self._check)

    def take_steps(self) -> None:
        """Take the remaining steps, and write logs and measurements beside the data."""
        try:
            self.checkup.begin(self.callback.steps)
            # A pause within a health check leaves the check undone.
            if not self._check() and self.callback.step < self.callback.steps:
                trainer = self._trainer()
                with training_patches(self._loaded), without_attention_dropout(self._loaded.model):
                    trainer.train()
        finally:
            # The curves of a stopped training are the most needed ones.
            self.callback.write_curve()
            files.write_jsonl(self._context.curves / "rollouts.jsonl", self.rollouts.facts)

    def criteria(self) -> list[Criterion]:
        """Judge the criteria of a probe so far; empty for other trainings."""
        probe = self._spec.probe
        return [] if probe is None else judge(probe, self.rollouts.facts, self._window().kl_to_start)

    def _window(self) -> Window:
        return Window(self._setup, self.callback.step, self.callback.points, self.rollouts.facts, self.rollouts.groups)

    def _check(self) -> bool:
        """Run a health check where one is due; return whether a probe has met its criteria and the training ends."""
        self.checkup.check(self._window(), self._context)
        probe = self._spec.probe
        return probe is not None and probe.due(self.callback.step) and all(item.held for item in self.criteria())

    def _save(self, progress: Progress) -> None:
        """Save weights and the measurements of whole steps."""
        whole = self.callback.step // self._spec.num_iterations
        more = {
            "groups": [asdict(group) for group in self.rollouts.groups if group.step < whole],
            "facts": self.rollouts.facts[:whole],
            "resumed_at_steps": self.resumed,
            "checks": self.checkup.rows,
        }
        self._saved.save(replace(progress, more=more))

    def _restore(self, done: Progress) -> None:
        self.rollouts.groups = [Group(**row) for row in done.more["groups"]]
        self.rollouts.facts = list(done.more["facts"])
        self.rollouts.step = done.step // self._spec.num_iterations
        self.checkup.rows = list(done.more["checks"])
        self.resumed = [*done.more["resumed_at_steps"], done.step]

    def _trainer(self) -> Trainer:
        spec, model = self._spec, self._loaded.model
        rewards = weighted_rewards(spec.rewards, self._loaded.stop_ids)
        trainer = quiet_trainer(
            Trainer,
            self._loaded,
            {"prompt": self._asked[self.rollouts.step * spec.prompts :]},
            config(
                spec,
                shared_arguments(spec, model, seed=self._seed, context=self._context),
                steps=self.callback.steps - self.callback.step,
                weights=[weight for _, weight in rewards.values()],
            ),
            reward_funcs=[trl_reward(name, reward) for name, (reward, _) in rewards.items()],
            callbacks=[self.callback],
            optimizers=(self._saved.optimizer, self._saved.scheduler),
            rollout_func=self.rollouts,
        )
        trainer.facts, trainer.setup, trainer.notice = self.rollouts.facts, self._setup, self._context.notice
        trainer.at_start, trainer.kl_to_start = self._at_start, self._kl_to_start
        trainer.own_rows, trainer.hidden = spec.share_prompts, shared_width(model)
        without_reference_adapter(model)
        return trainer


def _identity(loaded: LoadedModel, inputs: RolloutInputs, spec: GrpoSpec, asked: Sequence[str], run_seed: int) -> str:
    labels = {name: [label.answer, label.origin, label.agreement] for name, label in inputs.labels.items()}
    prompts = {name: list(prompt) for name, prompt in inputs.prompts.items()}
    data = {"model": loaded.digest, "asked": asked, "labels": labels, "prompts": prompts}
    return identity.digest({**data, "spec": spec.model_dump(), "seed": run_seed})
