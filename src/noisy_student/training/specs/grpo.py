"""Settings of training by GRPO; names are TRL's where TRL has one. No torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from noisy_student.errors import UserError
from noisy_student.models.spec import SaveDType
from noisy_student.strict import Strict
from noisy_student.training.specs.probe import ProbeSpec
from noisy_student.training.specs.rewards import RewardSpec


class GrpoSpec(Strict):
    """Group-relative policy optimisation (Shao et al. 2024) of all weights; every field changes the result."""

    match: Literal["epochs", "steps"] = "epochs"
    """Quantity that two conditions have in common: visits of their own questions, or steps."""
    epochs: float = Field(default=1.0, gt=0)
    """Visits of each question when matched by epochs."""
    steps: int | None = Field(default=None, ge=1)
    """Generation batches when matched by steps."""
    most_steps: int | None = Field(default=None, ge=1)
    """Upper limit of the steps; the plan gave its noisy student 1,250."""
    prompts: int = Field(default=8, ge=1)
    """Questions a step; the plan has 1."""
    generations: int = Field(default=8, ge=2)
    """Answers to each question (its group); with 4 the plan saw only groups of equal rewards."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Answers in memory at once in training; None is all of a step."""
    share_prompts: bool = True
    """Read a prompt once for several of its answers in training where that is less work; rounding differs."""
    num_iterations: int = Field(default=1, ge=1)
    """Optimiser steps on each generation batch."""
    temperature: float = Field(default=1.0, gt=0, le=10)
    """Temperature of the answers; 1 is TRL's default, the plan has 0.3."""
    max_new_tokens: int = Field(default=512, ge=1)
    """Limit of an answer's tokens; answers run to their end token or to this, since a cut elsewhere teaches no end."""
    loss_type: Literal["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"] = "dapo"
    """TRL's default; the plan has dr_grpo."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the divergence from the start model; 0 is TRL's default, the plan has 0.04."""
    drift_every: int | None = Field(default=10, ge=1)
    """Steps between measurements of the divergence from the start model where beta is 0; needs a copy of the model.
    None for never."""
    use_bias_correction_kl: bool = True
    """Weight the divergence by the token's ratio, TRL's default; the plan did not."""
    epsilon: float = Field(default=0.2, gt=0)
    """Clipping of a token's ratio below 1; TRL's default."""
    epsilon_high: float | None = Field(default=None, gt=0)
    """Clipping above 1; None is ``epsilon``, or 5 for cispo, which caps the ratio itself (TRL's documentation): 0.2
    would cap every one."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """Standard deviation of rewards that advantages are divided by; TRL's default is the group's."""
    mask_truncated: bool = False
    """Leave answers that hit the cap out of the loss."""
    rewards: RewardSpec = RewardSpec()
    pseudo_weight: float = Field(default=1.0, ge=0)
    """Factor on the advantages of questions with a pseudo-label."""
    weigh_agreement: bool = False
    """Multiply this factor by the agreement of the label."""
    refill: int = Field(default=0, ge=0)
    """Rounds that replace groups of equal rewards by other questions. Off by default: it hides wrong labels."""
    online_votes: bool = False
    """Vote pseudo-labels again from each group's own answers (TTRL, Zuo et al. 2025)."""
    probe: ProbeSpec | None = None
    """Criteria that end the training before its last step; None trains to the last step."""
    learning_rate: float = Field(default=1e-6, gt=0)
    """TRL's default; the plan has 1e-5."""
    schedule: Literal["constant_with_warmup", "linear", "cosine"] = "linear"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    save_dtype: SaveDType = "auto"
    """Type of a whole student's saved weights: as trained, its base's, or ``auto``: the base's if that is smaller and
    rounded weights answer no fewer dev questions correctly."""
    threads: int = Field(default=1, ge=1)
    """Torch threads; part of the identity because sums over several threads round differently."""

    @property
    def batch(self) -> int:
        """Answers a step."""
        return self.prompts * self.generations

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.match == "steps") != (self.steps is not None):
            raise ValueError('steps goes with match = "steps", and match = "steps" needs steps')
        micro = self.micro_batch or 1
        if self.batch % micro:
            divisors = (size for size in range(1, self.batch + 1) if not self.batch % size)
            near = min(divisors, key=lambda size: abs(size - micro))
            raise UserError(
                f"grpo.micro_batch is {micro}, and a step has {self.prompts} x {self.generations} answers.",
                why="A step must be a whole number of micro-batches.",
                do=f"Set grpo.micro_batch to {near}, the nearest divisor.",
                code="micro-batch-uneven",
            )
        if self.rewards.shaped and not self.rewards.only_right and self.scale_rewards != "none":
            raise UserError(
                f'grpo.rewards.only_right is false, and grpo.scale_rewards is "{self.scale_rewards}".',
                why="Wrong answers differ by their extra reward only, and scaling makes that a full reward.",
                do='Set grpo.scale_rewards = "none", or grpo.rewards.only_right = true.',
                code="reward-scaled-up",
            )
        if self.refill and self.rewards.shaped:
            raise UserError(
                f"grpo.refill is {self.refill}, and grpo.rewards gives extra rewards.",
                why="A group of right answers with different extra rewards has advantages; refilling would drop it.",
                do="Set grpo.refill = 0, or remove grpo.rewards.",
                code="refill-drops-rewards",
            )
        if self.probe is not None and self.beta == 0:
            between, every = self.probe.slope_to - self.probe.slope_from, self.drift_every
            if every is None or 2 * every * self.num_iterations > between:
                raise UserError(
                    f"grpo.drift_every is {every}, and grpo.probe needs two divergences within {between} steps.",
                    why="At grpo.beta = 0 the divergence is measured every grpo.drift_every steps only.",
                    do="Set grpo.drift_every = 2, or grpo.beta above 0.",
                    code="probe-not-measurable",
                )
        if self.online_votes and self.weigh_agreement:
            raise UserError(
                "grpo.online_votes and grpo.weigh_agreement are both set.",
                why="Online votes replace the stored label, so its agreement does not apply.",
                do="Remove one of them.",
                code="agreement-not-online",
            )
        return self

    def step_count(self, questions: int) -> int:
        """Return the number of generation batches for ``questions`` questions.

        >>> GrpoSpec(prompts=8, epochs=1.0).step_count(500), GrpoSpec(prompts=1, most_steps=10).step_count(500)
        (63, 10)
        """
        wanted = self.steps or max(1, -(-round(questions * self.epochs) // self.prompts))
        return wanted if self.most_steps is None else min(wanted, self.most_steps)
