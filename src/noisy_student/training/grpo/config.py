"""Translation of our GRPO settings to TRL's."""

from __future__ import annotations

from trl.trainer.grpo_config import GRPOConfig

from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.trl_patches import QUIET, on_one_device

CISPO_CAP = 5.0
"""Cap on the ratio of cispo (ScaleRL, https://huggingface.co/papers/2510.13786)."""


def config(
    spec: GrpoSpec, *, steps: int, weights: list[float], seed: int, output_dir: str, use_cpu: bool
) -> GRPOConfig:
    """Return TRL's settings for ``steps`` optimiser steps; ``weights`` are those of the rewards, in their order.

    Answers run to the end token or the cap; TRL neither shuffles questions, nor saves, nor reports anything.
    """
    micro = spec.micro_batch or spec.batch
    arguments = GRPOConfig(
        output_dir=output_dir,
        max_steps=steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=spec.batch // micro,
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
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        disable_dropout=True,
        shuffle_dataset=False,
        remove_unused_columns=False,
        seed=seed,
        activation_checkpointing=False,
        use_cpu=use_cpu,
        logging_steps=1,
        **QUIET,
    )
    return on_one_device(arguments)
