"""TRL's GRPO trainer: settings, weighted advantages, checks of sampler and reference, divergence from the start."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import add_fused_lm_head

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.models.adapter import is_adapted
from noisy_student.training.grpo.shared_prompts import score, shared_width
from noisy_student.training.health.answers import template_mismatch
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.specs.grpo import GrpoSpec

START_KL = 1e-6
"""Limit in nats a token between the start model and the reference that TRL loads; their weights are equal."""
EXACT = (torch.float32, torch.float64)
"""Types in which this limit holds; in half precision two ways of computing one number differ by a thousandth."""
FEW_ANSWERS = 16
"""Answers of a step that are measured, in whole groups: all of the lab's 64 take 2.4 % of a run, these 0.6 %."""
READ = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "sampling_per_token_logps")
CISPO_CAP = 5.0
"""Cap on the ratio of cispo (ScaleRL, https://huggingface.co/papers/2510.13786)."""


def config(spec: GrpoSpec, shared: dict[str, Any], *, steps: int, weights: list[float]) -> GRPOConfig:
    """Return TRL's settings for ``steps`` optimiser steps; ``shared`` are every method's, ``weights`` the rewards'."""
    return GRPOConfig(
        max_steps=steps,
        num_generations=spec.generations,
        num_iterations=spec.num_iterations,
        max_completion_length=spec.max_new_tokens,
        temperature=spec.temperature,
        top_p=1.0,
        top_k=0,
        loss_type=spec.loss_type,
        beta=spec.beta,
        epsilon=spec.epsilon,
        epsilon_high=CISPO_CAP if spec.epsilon_high is None and spec.loss_type == "cispo" else spec.epsilon_high,
        use_bias_correction_kl=spec.use_bias_correction_kl,
        scale_rewards=spec.scale_rewards,
        mask_truncated_completions=spec.mask_truncated,
        reward_weights=weights,
        disable_dropout=True,
        shuffle_dataset=False,
        remove_unused_columns=False,
        activation_checkpointing=False,
        logging_steps=1,
        **shared,
    )


class Trainer(GRPOTrainer):
    """TRL's trainer with weighted advantages and checks of the sampler and the reference."""

    facts: list[dict[str, Any]]
    at_start: bool
    kl_to_start: KlToStart | None
    notice: Callable[[str], None]
    """Report a sentence to the user at once."""
    own_rows: bool
    """Lay out rows by ``shared_prompts`` instead of TRL."""
    setup: Setup
    hidden: int | None
    """Width of a model that can read a prompt once for several answers, else None."""
    _seen: torch.Tensor | None = None
    _unequal: torch.Tensor
    """Answers whose group has different rewards."""

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        weights = torch.tensor([item["weight"] for item in inputs], device=output["advantages"].device)
        # Rounding of a mean gives equal rewards advantages of about 0.001.
        weights = weights * self._unequal.to(weights.device)
        output["advantages"] = output["advantages"] * weights.to(output["advantages"].dtype)
        self._note_signal(output)
        if self.at_start and "ref_per_token_logps" in output:
            drawn, mask = output["sampling_per_token_logps"], output["completion_mask"]
            kl = divergence(output["ref_per_token_logps"], drawn, mask)
            if not kl < START_KL and self.accelerator.unwrap_model(self.model).dtype in EXACT:
                raise UserError(
                    "TRL's reference model differs from the start model before the first step:"
                    f" KL {kl:.1e} nats per token.",
                    why="Their weights must be equal, or the penalty pulls the student towards another model.",
                    do="Give the start model as an unchanged folder of safetensors, or set grpo.beta = 0.",
                    code="reference-differs",
                )
        self.at_start = False
        if self.kl_to_start is not None and self.facts[-1]["step"] % self.kl_to_start.every == 0:
            self.facts[-1]["kl"], tokens = self.kl_to_start.nats(output, at_once=self.args.per_device_train_batch_size)
            self._count("scored_tokens", tokens)
        # TRL shuffles the batch next by torch's generator, whose state differs in a resumed run.
        torch.manual_seed(seeds.seed(self.args.seed, "rollout-shuffle", step=self.facts[-1]["step"]) % 2**32)
        return output

    def _note_signal(self, output: Mapping[str, Any]) -> None:
        """Record whether an answer in the loss has an advantage; report the first step that has none."""
        self.facts[-1]["signal"] = bool((output["advantages"].unsqueeze(1) * output["completion_mask"]).any())
        if not any(fact["signal"] for fact in self.facts) and len(self.facts) == 1:
            self.notice(
                "step 1: all answers of each group have the same reward, so nothing is learned. The student stays the "
                "start model until a group has different rewards."
            )

    def _calculate_rewards(self, *given: Any) -> torch.Tensor:
        found: torch.Tensor = super()._calculate_rewards(*given)
        # TRL's own reward_std is the batch's: it is above 0 also where rewards differ between groups only.
        rewards = (found * self.reward_weights.to(found.device)).nansum(dim=1)
        assert self.num_generations is not None
        grouped = rewards.view(-1, self.num_generations)
        unequal = grouped.amax(dim=1) > grouped.amin(dim=1)
        self._unequal = unequal.repeat_interleave(self.num_generations)
        self.facts[-1]["spread"] = float(grouped.std(dim=1).mean())
        return found

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
        """Add tokens that a model read besides sampling: ``read_tokens`` with a gradient, ``scored_tokens`` without."""
        self.facts[-1][name] = self.facts[-1].get(name, 0) + tokens

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss: torch.Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        if self.loss_type == "bnpo":
            # TRL averages over the tokens of the micro-batch, and averages those; the mean is over the whole batch's.
            parts = self.current_gradient_accumulation_steps
            share = inputs["completion_mask"].sum() * parts / inputs["num_items_in_batch"].clamp(min=1.0)
            loss = loss * share.to(loss.dtype)
        if self.unmoved():
            # The penalty's gradient is 0 at the start model; its rounding error, scaled by AdamW, would be a full step.
            loss = loss * 0.0
        # Sampler and trainer have the same weights only before the first update on a batch.
        if self._seen is not None and self.state.global_step % self.num_iterations == 0:
            self._compare(self._seen - inputs["sampling_per_token_logps"], inputs["completion_mask"])
        return loss

    def unmoved(self) -> bool:
        """Return whether the student still equals the start model: no answer so far had an advantage, no decay."""
        return not self.args.weight_decay and not any(fact.get("signal", True) for fact in self.facts)

    def _compare(self, apart: torch.Tensor, mask: torch.Tensor) -> None:
        """Record the difference of sampler and trainer; raise UserError where it is NaN or large in full precision."""
        apart = apart.abs() * mask
        most, fact = float(apart.max()), self.facts[-1]
        if not self.setup.half or not math.isfinite(most):
            setup = replace(self.setup, dtype="float32")
            found = template_mismatch(Window(setup, self.state.global_step, (), [{**fact, "mismatch": most}]))
            if found is not None:
                evidence, cause, remedy = found
                raise UserError(evidence, why=cause, do=remedy, code="template-mismatch")
        fact["mismatch"] = max(most, fact.get("mismatch", 0.0))
        fact["apart_nats"] = fact.get("apart_nats", 0.0) + float(apart.sum())
        fact["apart_tokens"] = fact.get("apart_tokens", 0) + int(mask.sum())


class KlToStart:
    """A copy of the start model that scores answers every few steps; TRL computes no divergence at beta 0."""

    def __init__(self, model: Any, spec: GrpoSpec, *, every: int) -> None:
        """Copy ``model``, which must still be the start model; ``every`` is in steps."""
        self.every = every
        # A probe is judged by the divergence, so it is measured on all answers.
        self._answers = None if spec.probe else spec.generations * -(-FEW_ANSWERS // spec.generations)
        self._hidden = shared_width(model)
        self._start: Any = model
        self._without: Callable[[], AbstractContextManager[None]] = nullcontext
        if is_adapted(model):
            # The model without its adapter is the start model, and the trainer gives it the fused head.
            self._without = model.disable_adapter
        else:
            self._start = copy.deepcopy(model).requires_grad_(False).eval()
            add_fused_lm_head(self._start, temperature=spec.temperature)

    @torch.no_grad()
    def nats(self, rollouts: Mapping[str, Any], *, at_once: int) -> tuple[float | None, int]:
        """Return the divergence from the start model of the model that drew ``rollouts``, and the tokens read for it.

        In nats a token of the loss, estimated as Schulman's k3 (http://joschu.net/blog/kl-approx.html) like TRL's log;
        None where the loss masks every answer, since all were cut.
        """
        rollouts = {name: rollouts[name][: self._answers] for name in READ}
        ids = torch.cat([rollouts["prompt_ids"], rollouts["completion_ids"]], dim=1)
        seen = torch.cat([rollouts["prompt_mask"], rollouts["completion_mask"]], dim=1)
        answer = rollouts["completion_ids"].shape[1]
        with self._without():
            found = score(self._start, ids, seen, answer=answer, at_once=at_once, hidden=self._hidden)
        drawn, mask = rollouts["sampling_per_token_logps"], rollouts["completion_mask"]
        return divergence(found.logps_RA, drawn, mask) if mask.any() else None, found.tokens


def divergence(reference_RT: Tensor, drawn_RT: Tensor, mask_RT: Tensor) -> float:
    """Return the mean over tokens of k3: exp(a) - a - 1, where a is the reference's less the drawn log-probability."""
    apart = reference_RT - drawn_RT
    return float(((apart.exp() - apart - 1) * mask_RT).sum() / mask_RT.sum())
