"""Settings of supervised fine-tuning. No torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from noisy_student.models.spec import SaveDType
from noisy_student.strict import Strict

UNSEEDED = "Every step reads all examples equally often, and nothing is drawn: other seeds give the same student."


class SftSpec(Strict):
    """Supervised fine-tuning of all weights; every field changes the result."""

    match: Literal["epochs", "steps"] = "epochs"
    """Quantity that two conditions have in common: passes over their own examples, or optimiser steps."""
    epochs: float = Field(default=2.0, gt=0)
    """Passes over the examples when matched by epochs; the plan uses 2."""
    steps: int | None = Field(default=None, ge=1)
    """Optimiser steps when matched by steps; the plan has 500 for 1,000 examples."""
    batch: int = Field(default=4, ge=1)
    """Examples a step; 4 makes the plan's 2 epochs of 1,000 examples its 500 steps."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Examples in memory at once; their gradients add up to the batch's, whose mean is over all its tokens."""
    activation_checkpointing: bool = False
    """Compute a layer's inner values again in the backward pass: less memory for a third more time."""
    group_by_length: bool = False
    """Fill batches with examples of about equal length, which saves padding; off as in the Trainer."""
    learning_rate: float = Field(default=2e-5, gt=0)
    """Peak learning rate; TRL's default, meant for models of about 0.5 B parameters."""
    schedule: Literal["constant_with_warmup", "linear", "cosine"] = "linear"
    """Decay of the rate after the warm-up; linear is the Trainer's default."""
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps that raise the rate from 0; 0.03 as in Alpaca and QLoRA."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decoupled decay of matrices; the Trainer's default is 0."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm; the Trainer's default."""
    max_length: int = Field(default=1024, ge=2)
    """Tokens of prompt and target; a longer example is left out and counted, never cut. TRL's default."""
    loss_on: Literal["answer", "all"] = "answer"
    """Tokens in the loss: the target with its end token, or the prompt too (the original protocol)."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each sub-layer's output that is dropped while the student learns (residual dropout, Vaswani et al.
    2017, who took 0.1); 0 is off."""
    save_dtype: SaveDType = "auto"
    """Type of a whole student's saved weights: as trained, its base's, or ``auto``: the base's if that is smaller and
    rounded weights answer no fewer dev questions correctly."""
    threads: int = Field(default=1, ge=1)
    """Torch threads; part of the identity because sums over several threads round differently."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.match == "steps") != (self.steps is not None):
            raise ValueError('steps goes with match = "steps", and match = "steps" needs steps')
        if self.batch % (self.micro_batch or 1):
            raise ValueError(f"a batch of {self.batch} cannot be made of micro-batches of {self.micro_batch}")
        return self

    def step_count(self, rows: int) -> int:
        """Return the optimiser steps for ``rows`` rows; the last batch may be smaller.

        >>> SftSpec(batch=4).step_count(9)
        3
        """
        return -(-rows // self.batch)
