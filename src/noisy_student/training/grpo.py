"""Training by GRPO through TRL: a loaded model and lessons in, the same model trained out.

TRL computes advantages, losses and gradients; questions come in an order of ours, answers from our engine. On every
batch the sampler's log-probabilities are held against the trainer's: without vLLM TRL ignores the sampler's own, so one
that differs would never be corrected.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import datasets
import huggingface_hub.constants
import torch
from transformers import PrinterCallback
from trl.trainer.grpo_trainer import GRPOTrainer

from noisy_student import files, identity, seeds
from noisy_student.context import Context
from noisy_student.errors import UserError
from noisy_student.models.load import LoadedModel
from noisy_student.training import curves, resume
from noisy_student.training.curves import Point
from noisy_student.training.drift import Drift, divergence
from noisy_student.training.groups import Group
from noisy_student.training.grpo_config import config
from noisy_student.training.grpo_spec import GrpoSpec
from noisy_student.training.lessons import visits
from noisy_student.training.optimizer import adamw, schedule
from noisy_student.training.rewards import Attempt, paid, rewards_of
from noisy_student.training.rollouts import Classroom, Rollouts
from noisy_student.training.shared_prompts import can_share, score
from noisy_student.training.trl_head import lent, undropped, without_reference
from noisy_student.training.watch import Watch

MISMATCH = 0.01
"""Nats between sampler and trainer at one token that stop a run; in float32 they differ by less than a thousandth."""
START_KL = 1e-6
"""Nats a token between the start model and the reference that TRL loads; they are the same weights."""
EXACT = (torch.float32, torch.float64)
"""Types in which two ways of computing the same agree so well; in half precision they differ by a thousandth."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What a run did; the weights are in the loaded model itself. Tokens are sums over all steps.

    ``groups`` are those that were trained on, in order; ``facts`` a row a step.
    """

    steps: int
    groups: tuple[Group, ...]
    facts: tuple[dict[str, Any], ...]
    curve: tuple[Point, ...]
    resumed_at_steps: tuple[int, ...]
    seconds: float


def train(loaded: LoadedModel, room: Classroom, *, spec: GrpoSpec, seed: int, context: Context) -> Taught:
    """Train ``loaded.model`` in place and leave it in evaluation mode; curves go to ``context.curves``.

    Raises NotTrainable when loss or logits stop being numbers, UserError when sampler and trainer disagree, and Paused
    or Interrupted from ``context.check()`` after saving every whole step; the same call then goes on from there.
    """
    _require_stop_ids(loaded)
    torch.set_num_threads(spec.threads)
    names = sorted(room.labels)
    batches = spec.step_count(len(names))
    asked = [names[place] for place in visits(len(names), batches * spec.prompts, seed=seed)]
    run = _Run(loaded, room, spec, seed, context, asked)
    watch = run.go()
    curves.write(context.curves / "training.jsonl", watch.points)
    files.write_jsonl(context.curves / "rollouts.jsonl", run.rollouts.facts)
    return Taught(
        steps=watch.step,
        groups=tuple(run.rollouts.groups),
        facts=tuple(run.rollouts.facts),
        curve=tuple(watch.points),
        resumed_at_steps=tuple(run.resumed),
        seconds=watch.seconds,
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
            drift = Drift(model, temperature=spec.temperature, every=spec.drift_every)
        done = resume.load(folder, identity=self._identity, **parts)
        if done is not None:
            self._restore(done)
        self._watch = Watch(
            self._context,
            steps,
            lambda now: resume.save(folder, now, identity=self._identity, **parts),
            done,
            cycle=spec.num_iterations,
            more=self._more,
        )
        if self._watch.step < steps:
            generator = torch.get_rng_state()
            trainer = self._trainer(steps - self._watch.step, (optimizer, scheduler))
            trainer.facts, trainer.at_start, trainer.drift = self.rollouts.facts, done is None, drift
            without_reference(model)
            trainer.own_rows = spec.share_prompts
            trainer.hidden = model.config.hidden_size if can_share(model) else None
            torch.set_rng_state(generator)
            with lent(self._loaded), undropped(model):
                trainer.train()
        return self._watch

    def _more(self) -> dict[str, Any]:
        """What a resumed run needs beside weights; only whole steps count, so a half-drawn one is left out."""
        whole = self._watch.step // self._spec.num_iterations
        return {
            "groups": [group.row for group in self.rollouts.groups if group.step < whole],
            "facts": self.rollouts.facts[:whole],
            "resumed_at_steps": self.resumed,
        }

    def _restore(self, done: resume.Progress) -> None:
        self.rollouts.groups = [Group(**row) for row in done.more["groups"]]
        self.rollouts.facts = list(done.more["facts"])
        self.rollouts.step = done.step // self._spec.num_iterations
        self.resumed = [*done.more["resumed_at_steps"], done.step]

    def _trainer(
        self, steps: int, optimizers: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]
    ) -> _Trainer:
        # TRL reports every new trainer to the hub otherwise; this program reports nothing to anybody.
        huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
        datasets.disable_progress_bars()
        spec = self._spec
        rewards = rewards_of(spec.rewards, self._loaded.stop_ids)
        rows = self._asked[self.rollouts.step * spec.prompts :]
        with warnings.catch_warnings():
            # What TRL says of rollout_func is our business, and held by the contract test.
            warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
            trainer = _Trainer(
                model=self._loaded.model,
                reward_funcs=[_payer(name, reward) for name, (reward, _) in rewards.items()],
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


class _Trainer(GRPOTrainer):
    """TRL's trainer with weighted advantages, and the checks that sampler, trainer and reference are one model."""

    facts: list[dict[str, Any]]
    at_start: bool
    drift: Drift | None
    own_rows: bool
    """Whether rows are laid out here (``shared_prompts``) and not by TRL."""
    hidden: int | None
    """The model's width where prompts may be read once for several answers."""
    _seen: torch.Tensor | None = None

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        weights = torch.tensor([item["weight"] for item in inputs], device=output["advantages"].device)
        output["advantages"] = output["advantages"] * weights.to(output["advantages"].dtype)
        if self.at_start and "ref_per_token_logps" in output:
            drawn, mask = output["sampling_per_token_logps"], output["completion_mask"]
            kl = divergence(output["ref_per_token_logps"], drawn, mask)
            if not kl < START_KL and self.accelerator.unwrap_model(self.model).dtype in EXACT:
                raise UserError(
                    f"At the first step the reference model is {kl:.1e} nats a token from the start model.",
                    why="They are to be the same weights; a penalty for leaving another model would be meaningless.",
                    do="Give the start model as an unchanged folder of safetensors, or set grpo.beta = 0.",
                )
        self.at_start = False
        if self.drift is not None and self.facts[-1]["step"] % self.drift.every == 0:
            self.facts[-1]["kl"], tokens = self.drift.nats(output, at_once=self.args.per_device_train_batch_size)
            self._count("scored_tokens", tokens)
        # TRL shuffles the batch next, from torch's own generator, which a resumed run has used otherwise.
        torch.manual_seed(seeds.seed(self.args.seed, "rollout-shuffle", step=self.facts[-1]["step"]) % 2**32)
        return output

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int, **how: Any
    ) -> Any:
        if self.own_rows and not how.get("compute_aux_loss"):
            at_once = how.get("batch_size") or len(input_ids)
            scored = score(model, input_ids, attention_mask, answer=logits_to_keep, at_once=at_once, hidden=self.hidden)
            found: Any = (scored.logps_RA, scored.entropies_RA if how.get("compute_entropy") else None, None)
            tokens = scored.tokens
        else:
            found = super()._get_per_token_logps_and_entropies(model, input_ids, attention_mask, logits_to_keep, **how)
            tokens = int(attention_mask.sum())
        self._count("read_tokens" if torch.is_grad_enabled() else "scored_tokens", tokens)
        if torch.is_grad_enabled():
            self._seen = found[0].detach()
        return found

    def _count(self, name: str, tokens: int) -> None:
        """Tokens that passed through a model besides drawing: ``read`` with a gradient, ``scored`` without."""
        self.facts[-1][name] = self.facts[-1].get(name, 0) + tokens

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss: torch.Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        # Only before the first update on a batch do both have the same weights.
        if self._seen is not None and self.state.global_step % self.num_iterations == 0:
            apart = (self._seen - inputs["sampling_per_token_logps"]).abs() * inputs["completion_mask"]
            most = float(apart.max())
            self.facts[-1]["mismatch"] = max(most, self.facts[-1].get("mismatch", 0.0))
            if not most < MISMATCH and model.dtype in EXACT:
                raise UserError(
                    f"Sampler and trainer differ by {most:.3g} nats at one token (step {self.facts[-1]['step']}).",
                    why="The answers would be those of another model than the one that is trained.",
                    do="Report this with the model's config.json; --set grpo.temperature=1 may be nearer.",
                )
        return loss


def _payer(name: str, reward: Any) -> Any:
    """A reward as TRL calls it, with the columns that rollouts return."""

    def pay(
        completion_ids: list[list[int]], question_id: list[str], text: list[str], right: list[bool], **_: Any
    ) -> list[float]:
        rows = zip(question_id, text, completion_ids, right, strict=True)
        return paid(name, reward, [Attempt(who, what, tuple(ids), reached) for who, what, ids, reached in rows])

    pay.__name__ = name
    return pay
