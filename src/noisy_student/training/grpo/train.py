"""Training by GRPO through TRL: a loaded model and lessons in, the same model trained out.

TRL computes advantages, losses and gradients; questions come in an order of ours, answers from our engine. On every
batch the sampler's log-probabilities are held against the trainer's: without vLLM TRL ignores the sampler's own, so one
that differs would never be corrected.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import datasets
import huggingface_hub.constants
import torch
from transformers import PrinterCallback

from noisy_student import files, identity, seeds
from noisy_student.context import Context
from noisy_student.errors import UserError
from noisy_student.models.adapter import is_adapted
from noisy_student.models.load import LoadedModel
from noisy_student.training import checkpoint, curves
from noisy_student.training.callback import Watch
from noisy_student.training.curves import Point
from noisy_student.training.groups import Group
from noisy_student.training.grpo.config import config
from noisy_student.training.grpo.kl_to_start import FEW_ANSWERS, Drift
from noisy_student.training.grpo.lessons import visits
from noisy_student.training.grpo.rewards import rewards_of
from noisy_student.training.grpo.rollouts import Classroom, Rollouts
from noisy_student.training.grpo.shared_prompts import can_share
from noisy_student.training.grpo.trainer import Trainer, payer
from noisy_student.training.health.checkup import Checkup, Seen
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.probe import Criterion, judge
from noisy_student.training.student import adamw, schedule
from noisy_student.training.trl_patches import lent, undropped, without_reference

Optimizers = tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]


@dataclass(frozen=True, slots=True)
class Taught:
    """What a run did; the weights are in the loaded model itself. Tokens are sums over all steps.

    ``groups`` are those that were trained on, in order; ``facts`` a row a step; ``health`` what was found at the looks,
    each condition once with the step at which it was first seen; ``criteria`` those of a probe, none for other runs.
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
    loaded: LoadedModel, room: Classroom, *, spec: GrpoSpec, health: HealthSpec, seed: int, context: Context
) -> Taught:
    """Train ``loaded.model`` in place and leave it in evaluation mode; curves go to ``context.curves``.

    Raises NotTrainable when loss or logits stop being numbers and for what ``health`` is to stop, UserError when
    sampler and trainer disagree, and Paused or Interrupted from ``context.check()`` after saving every whole step; the
    same call then goes on from there.
    """
    _require_stop_ids(loaded)
    torch.set_num_threads(spec.threads)
    names = sorted(room.labels)
    batches = spec.step_count(len(names))
    asked = [names[place] for place in visits(len(names), batches * spec.prompts, seed=seed)]
    run = _Run(loaded, room, spec, seed, context, asked)
    run.checkup = Checkup(health, _setup(loaded, room, spec), loaded.model, measure=run.on_dev if room.dev else None)
    watch = run.go()
    return Taught(
        steps=watch.step,
        groups=tuple(run.rollouts.groups),
        facts=tuple(run.rollouts.facts),
        curve=tuple(watch.points),
        resumed_at_steps=tuple(run.resumed),
        health=run.checkup.found,
        criteria=tuple(run.criteria()),
        seconds=watch.seconds,
    )


def _setup(loaded: LoadedModel, room: Classroom, spec: GrpoSpec) -> Setup:
    return Setup(
        learning_rate=spec.learning_rate,
        dtype=str(loaded.model.dtype).removeprefix("torch."),
        adapter=is_adapted(loaded.model),
        grpo=spec,
        gold=room.unreadable_gold + sum(label.origin == "gold" for label in room.labels.values()),
        unreadable=room.unreadable_gold,
    )


def _require_stop_ids(loaded: LoadedModel) -> None:
    vocabulary = int(loaded.model.config.get_text_config().vocab_size)
    if not any(token < vocabulary for token in loaded.stop_ids):
        raise UserError(
            f"The start model's stop ids {sorted(loaded.stop_ids)} lie outside of its {vocabulary} tokens.",
            why="No answer could end, and every one would be cut at the cap.",
            do="Mend eos_token_id in its generation_config.json and tokenizer.",
        )


class _Run:
    """One call: optimiser, saved state, rollouts and trainer."""

    checkup: Checkup

    def __init__(
        self, loaded: LoadedModel, room: Classroom, spec: GrpoSpec, seed: int, context: Context, asked: list[str]
    ) -> None:
        self._loaded, self._spec, self._asked, self._context = loaded, spec, asked, context
        self._seed = seeds.seed(seed, "training") % 2**32
        self._identity = identity.digest(
            {
                "model": loaded.digest,
                "asked": asked,
                "labels": {name: [label.answer, label.origin, label.agreement] for name, label in room.labels.items()},
                "prompts": {name: list(prompt) for name, prompt in room.prompts.items()},
                "spec": spec.model_dump(),
                "seed": seed,
            }
        )
        self.rollouts = Rollouts(room, spec, seed, check=lambda: self._watch.ask())
        self.resumed: list[int] = []

    def on_dev(self) -> dict[str, Any]:
        """The dev questions answered by the model as it stands."""
        return self.rollouts.on_dev(self._loaded.model)

    def _write_curves(self) -> None:
        """Write what was logged and measured so far beside the data."""
        folder = self._context.curves
        curves.write(folder / "training.jsonl", self._watch.points)
        files.write_jsonl(folder / "rollouts.jsonl", self.rollouts.facts)

    def criteria(self) -> list[Criterion]:
        """What a probe has shown so far; nothing of other runs."""
        probe = self._spec.probe
        window = Window(self.checkup.setup, self._watch.step, self._watch.points, self.rollouts.facts)
        return [] if probe is None else judge(probe, self.rollouts.facts, window.drift)

    def _look(self) -> bool:
        """Look at the run where it is time; whether it may end because it is a probe that has shown enough."""
        seen = Seen(self._watch.step, self._watch.points, self.rollouts.facts, self.rollouts.groups)
        self.checkup.look(seen, self._context)
        probe = self._spec.probe
        return probe is not None and probe.due(seen.step) and all(item.held for item in self.criteria())

    def go(self) -> Watch:
        spec, model = self._spec, self._loaded.model
        steps = len(self._asked) // spec.prompts * spec.num_iterations
        optimizer = adamw(model, learning_rate=spec.learning_rate, weight_decay=spec.weight_decay)
        scheduler = schedule(optimizer, spec.schedule, warmup=spec.warmup, steps=steps)
        folder = self._context.scratch / "grpo"
        parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        torch.manual_seed(self._seed)
        drift = None
        if spec.beta == 0 and spec.drift_every is not None:
            # A probe is judged by it, so all answers count.
            few = None if spec.probe is not None else spec.generations * -(-FEW_ANSWERS // spec.generations)
            drift = Drift(model, temperature=spec.temperature, every=spec.drift_every, answers=few)
        done = checkpoint.load(folder, identity=self._identity, **parts)
        if done is not None:
            self._restore(done)
        self._watch = Watch(
            self._context,
            steps,
            lambda now: checkpoint.save(folder, replace(now, more=self._more()), identity=self._identity, **parts),
            done,
            cycle=spec.num_iterations,
            look=self._look,
        )
        try:
            self._teach(steps, (optimizer, scheduler), at_start=done is None, drift=drift)
        finally:
            # What a run was like that was stopped is asked for most.
            self._write_curves()
        return self._watch

    def _teach(self, steps: int, optimizers: Optimizers, *, at_start: bool, drift: Drift | None) -> None:
        """Take the steps that are left."""
        spec, model = self._spec, self._loaded.model
        self.checkup.begin(steps)
        # A pause in the middle of a look leaves it to be done.
        if self._look() or self._watch.step == steps:
            return
        generator = torch.get_rng_state()
        trainer = self._trainer(steps - self._watch.step, optimizers)
        trainer.facts, trainer.at_start, trainer.drift = self.rollouts.facts, at_start, drift
        trainer.setup = self.checkup.setup
        without_reference(model)
        trainer.own_rows = spec.share_prompts
        trainer.hidden = model.config.hidden_size if can_share(model) else None
        torch.set_rng_state(generator)
        with lent(self._loaded), undropped(model):
            trainer.train()

    def _more(self) -> dict[str, Any]:
        """What a resumed run needs beside weights; only whole steps count, so a half-drawn one is left out."""
        whole = self._watch.step // self._spec.num_iterations
        return {
            "groups": [group.row for group in self.rollouts.groups if group.step < whole],
            "facts": self.rollouts.facts[:whole],
            "resumed_at_steps": self.resumed,
            "looks": self.checkup.rows,
        }

    def _restore(self, done: checkpoint.Progress) -> None:
        self.rollouts.groups = [Group(**row) for row in done.more["groups"]]
        self.rollouts.facts = list(done.more["facts"])
        self.rollouts.step = done.step // self._spec.num_iterations
        self.checkup.rows = list(done.more["looks"])
        self.resumed = [*done.more["resumed_at_steps"], done.step]

    def _trainer(self, steps: int, optimizers: Optimizers) -> Trainer:
        # TRL reports every new trainer to the hub otherwise; this program reports nothing to anybody.
        huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
        datasets.disable_progress_bars()
        spec = self._spec
        rewards = rewards_of(spec.rewards, self._loaded.stop_ids)
        rows = self._asked[self.rollouts.step * spec.prompts :]
        with warnings.catch_warnings():
            # What TRL says of rollout_func is our business, and held by the contract test.
            warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
            trainer = Trainer(
                model=self._loaded.model,
                reward_funcs=[payer(name, reward) for name, (reward, _) in rewards.items()],
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
                callbacks=[self._watch],
                optimizers=optimizers,
                rollout_func=self.rollouts,
            )
        # With tqdm off the Trainer prints its logs to stdout, which belongs to the command's own output.
        trainer.remove_callback(PrinterCallback)
        return trainer
