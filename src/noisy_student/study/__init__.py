"""A study as a graph of stages: planned, cached by content, run and decided."""

import noisy_student.study.stages  # noqa: F401  # registers the stages
