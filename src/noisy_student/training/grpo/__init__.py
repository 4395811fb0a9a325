"""Training by GRPO: rollouts, rewards, trainer."""
