"""How a student is trained by GRPO: settings only, no torch. Names are TRL's where TRL has one."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from noisy_student.errors import UserError
from noisy_student.strict import Strict
from noisy_student.training.specs.probe import ProbeSpec

Loss = Literal["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"]

GAMMA = 0.5
"""How often a random reward is paid: that of Shao et al. 2025 (Spurious Rewards)."""


class RewardSpec(Strict):
    """What an answer is paid beside 1 for being right; the plan's Run C and its termination signal."""

    kind: Literal["label", "random", "format"] = "label"
    """What being right means: reaching the label, or for controls a coin that knows nothing of the answer, or a
    complete ``####`` whatever stands behind it (Shao et al. 2025)."""
    gamma: float = Field(default=GAMMA, gt=0, lt=1)
    """How often the coin of ``random`` pays."""

    termination: float = 0.0
    """Paid where the text ended by itself; the plan has 0.1."""
    repetition: float = 0.0
    """Paid for exactly one ``####`` and taken away for more; the plan has 0.1."""
    only_right: bool = True
    """Whether these are paid on right answers only: else they are all that differs within a group of wrong ones."""

    @model_validator(mode="after")
    def _a_coin_has_gamma(self) -> Self:
        if self.kind != "random" and self.gamma != GAMMA:
            raise UserError(
                f'grpo.rewards.gamma is {self.gamma:g}, and grpo.rewards.kind is "{self.kind}".',
                why="It is how often a random reward is paid.",
                do='Set grpo.rewards.kind = "random", or leave gamma out.',
            )
        return self

    @property
    def shaped(self) -> bool:
        """Whether anything but being right is paid."""
        return self.termination != 0 or self.repetition != 0


class GrpoSpec(Strict):
    """Group-relative policy optimisation (Shao et al. 2024) of all weights; every field changes the result."""

    match: Literal["epochs", "steps"] = "epochs"
    """What two conditions have in common: visits of their own questions, or steps."""
    epochs: float = Field(default=1.0, gt=0)
    """Visits of each question when matched by epochs."""
    steps: int | None = Field(default=None, ge=1)
    """Generation batches when matched by steps."""
    most_steps: int | None = Field(default=None, ge=1)
    """Never more than these; the plan gave its noisy student 1,250."""
    prompts: int = Field(default=8, ge=1)
    """Questions a step; the plan has 1."""
    generations: int = Field(default=8, ge=2)
    """Answers to each, its group; with 4 the plan saw groups of one reward only."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Answers that are in memory at once in training; None is all of a step."""
    share_prompts: bool = True
    """Whether a prompt is read once for several of its answers in training, where that is less work: the same sums,
    rounded otherwise."""
    num_iterations: int = Field(default=1, ge=1)
    """Optimiser steps on each generation batch."""
    temperature: float = Field(default=1.0, gt=0, le=10)
    """Of the answers; 1 is TRL's default, the plan has 0.3."""
    max_new_tokens: int = Field(default=512, ge=1)
    """The cap of an answer; it is drawn to its end token or to this, for else nothing would teach to stop."""
    loss_type: Loss = "dapo"
    """TRL's default; the plan has dr_grpo."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the divergence from the start model; 0 is TRL's default, the plan has 0.04."""
    drift_every: int | None = Field(default=10, ge=1)
    """Steps from one look at the divergence from the start model to the next where beta is 0; it takes a copy of the
    model. None for never."""
    use_bias_correction_kl: bool = True
    """Whether the divergence is weighed by the token's ratio; TRL's default since it has it, the plan had none."""
    epsilon: float = Field(default=0.2, gt=0)
    """How far a token's ratio counts before it is clipped; TRL's default."""
    epsilon_high: float | None = Field(default=None, gt=0)
    """The same upwards; None is ``epsilon``, and 5 for cispo, which caps the ratio itself: TRL's documentation says so,
    and its default of 0.2 would cap every one."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """Whether advantages are divided by the deviation of rewards; TRL's default is by group."""
    mask_truncated: bool = False
    """Whether answers that hit the cap are left out of the loss."""
    rewards: RewardSpec = RewardSpec()
    pseudo_weight: float = Field(default=1.0, ge=0)
    """What the advantage of a question with a pseudo-label is multiplied by."""
    weigh_agreement: bool = False
    """Whether it is multiplied by the agreement of the label, too."""
    refill: int = Field(default=0, ge=0)
    """Rounds in which groups of one reward are replaced by other questions'. It hides wrong labels: off by default."""
    online_votes: bool = False
    """Whether pseudo-labels are voted again from each group's own answers (TTRL, Zuo et al. 2025)."""
    probe: ProbeSpec | None = None
    """Criteria at which the training ends before its last step; None trains to it."""
    learning_rate: float = Field(default=1e-6, gt=0)
    """TRL's default; the plan has 1e-5."""
    schedule: Literal["constant_with_warmup", "linear", "cosine"] = "linear"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
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
        if self.micro_batch is not None and self.batch % self.micro_batch:
            near = min(
                (size for size in range(1, self.batch + 1) if not self.batch % size),
                key=lambda size: abs(size - (self.micro_batch or 1)),
            )
            raise UserError(
                f"grpo.micro_batch is {self.micro_batch}, and a step has {self.prompts} x {self.generations} answers.",
                why="They must be a whole number of micro-batches.",
                do=f"Set grpo.micro_batch to {near}, the nearest that does.",
                code="micro-batch-uneven",
            )
        if self.rewards.shaped and not self.rewards.only_right and self.scale_rewards != "none":
            raise UserError(
                f"grpo.rewards pays wrong answers, too, and scale_rewards is {self.scale_rewards}.",
                why="Among wrong answers a small bonus is all that differs, and scaling makes it a full reward.",
                do='Set grpo.scale_rewards = "none", or grpo.rewards.only_right = true.',
            )
        if self.refill and self.rewards.shaped:
            raise UserError(
                f"grpo.refill is {self.refill}, and grpo.rewards pays more than being right.",
                why="Groups of right answers that are paid unequally teach something, and refilling would drop them.",
                do="Set grpo.refill = 0, or leave grpo.rewards out.",
            )
        if self.probe is not None and self.beta == 0:
            between, every = self.probe.slope_to - self.probe.slope_from, self.drift_every
            if every is None or 2 * every * self.num_iterations > between:
                raise UserError(
                    f"grpo.probe wants a divergence that rises within {between} steps, and drift_every is {every}.",
                    why="Without an anchor it is measured only then, and two points are needed.",
                    do="Set grpo.drift_every = 2, or grpo.beta above 0.",
                )
        if self.online_votes and self.weigh_agreement:
            raise UserError(
                "grpo.online_votes and grpo.weigh_agreement are both set.",
                why="The agreement is that of the stored vote, and the label that of each group.",
                do="Leave one of them out.",
            )
        return self

    def step_count(self, questions: int) -> int:
        """Generation batches for so many questions.

        >>> GrpoSpec(prompts=8, epochs=1.0).step_count(500), GrpoSpec(prompts=1, most_steps=10).step_count(500)
        (63, 10)
        """
        wanted = self.steps or max(1, -(-round(questions * self.epochs) // self.prompts))
        return wanted if self.most_steps is None else min(wanted, self.most_steps)
