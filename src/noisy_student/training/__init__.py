"""Training of students: fine-tuning, GRPO, adapters, health checks."""
