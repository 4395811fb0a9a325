"""Training by GRPO: examples, rollouts, rewards, trainer."""
