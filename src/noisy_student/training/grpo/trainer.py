"""TRL's trainer of GRPO with weighted advantages, and the checks that sampler, trainer and reference are one model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.training.grpo.kl_to_start import Drift, divergence
from noisy_student.training.grpo.rewards import Attempt, paid
from noisy_student.training.grpo.shared_prompts import score
from noisy_student.training.health.lessons import template_mismatch
from noisy_student.training.health.window import Setup, Window

START_KL = 1e-6
"""Nats a token between the start model and the reference that TRL loads; they are the same weights."""
EXACT = (torch.float32, torch.float64)
"""Types in which two ways of computing the same agree so well; in half precision they differ by a thousandth."""


class Trainer(GRPOTrainer):
    """TRL's trainer with weighted advantages, and the checks that sampler, trainer and reference are one model."""

    facts: list[dict[str, Any]]
    at_start: bool
    drift: Drift | None
    own_rows: bool
    """Whether rows are laid out here (``shared_prompts``) and not by TRL."""
    setup: Setup
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

    def _calculate_rewards(self, *given: Any) -> torch.Tensor:
        found: torch.Tensor = super()._calculate_rewards(*given)
        # Where groups differ only from one another TRL's own reward_std, which is the batch's, is above 0 all the same.
        rewards = (found * self.reward_weights.to(found.device)).nansum(dim=1)
        assert self.num_generations is not None
        self.facts[-1]["spread"] = float(rewards.view(-1, self.num_generations).std(dim=1).mean())
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
        """Tokens that passed through a model besides drawing: ``read`` with a gradient, ``scored`` without."""
        self.facts[-1][name] = self.facts[-1].get(name, 0) + tokens

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss: torch.Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        # Only before the first update on a batch do both have the same weights.
        if self._seen is not None and self.state.global_step % self.num_iterations == 0:
            self._compare(self._seen - inputs["sampling_per_token_logps"], inputs["completion_mask"])
        return loss

    def _compare(self, apart: torch.Tensor, mask: torch.Tensor) -> None:
        """Note how far sampler and trainer are apart; stop at once where they compute exactly, or where it is NaN."""
        apart = apart.abs() * mask
        most, fact = float(apart.max()), self.facts[-1]
        if not self.setup.half or not math.isfinite(most):
            wrong = template_mismatch(
                Window(replace(self.setup, dtype="float32"), self.state.global_step, (), [{**fact, "mismatch": most}])
            )
            if wrong is not None:
                raise UserError(wrong.evidence, why=wrong.cause, do=wrong.remedy)
        fact["mismatch"] = max(most, fact.get("mismatch", 0.0))
        fact["apart_nats"] = fact.get("apart_nats", 0.0) + float(apart.sum())
        fact["apart_tokens"] = fact.get("apart_tokens", 0) + int(mask.sum())


def payer(name: str, reward: Any) -> Any:
    """A reward as TRL calls it, with the columns that rollouts return."""

    def pay(
        completion_ids: list[list[int]], question_id: list[str], text: list[str], right: list[bool], **_: Any
    ) -> list[float]:
        rows = zip(question_id, text, completion_ids, right, strict=True)
        return paid(name, reward, [Attempt(who, what, tuple(ids), reached) for who, what, ids, reached in rows])

    pay.__name__ = name
    return pay
