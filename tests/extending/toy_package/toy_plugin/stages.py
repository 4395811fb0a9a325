"""The stages of this package by name; their modules are imported when a worker runs them."""

from __future__ import annotations

from noisy_student.pipeline.node import STAGES, Stage

STAGES.register("train-shortest", Stage("toy_plugin.train_shortest"))
STAGES.register("word-count", Stage("toy_plugin.word_count"))
