"""Examples and a model → a student fine-tuned on the shortest texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.data.rows import read_asked
from noisy_student.labeling.examples import read_examples
from noisy_student.models.chat import Renderer
from noisy_student.models.spec import PromptSpec
from noisy_student.study.stages.loading import load_model, start
from noisy_student.training.sft.examples import encode
from noisy_student.training.sft.train import train
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.student import trainable, with_adapter, write_student
from toy_plugin.method import ShortestSpec

LIBRARIES = ("torch", "transformers", "tokenizers", "peft")
WEIGHT = 10.0


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``model/``; the summary names the texts and the longest of them."""
    shortest = ShortestSpec.model_validate(spec["shortest"])
    every = list(read_examples(inputs["examples"][0] / "examples.jsonl"))
    kept = sorted(every, key=lambda example: (len(example.target), example.question_id))[: shortest.kept(len(every))]
    loaded = load_model(spec, start(spec, inputs), threads=shortest.threads)
    renderer = Renderer(loaded.tokenizer, PromptSpec.model_validate(spec["prompt"]))
    questions = {question.id: question for question in read_asked(inputs["split"][0])}
    encoded = encode(renderer, kept, questions, max_length=shortest.max_length)
    whole, loaded = loaded.model.num_parameters(), with_adapter(loaded, spec)
    numbers, health = trainable(loaded.model), HealthSpec.model_validate(spec["health"])
    trained = train(loaded, encoded, spec=shortest, health=health, seed=spec["seed"], context=context)
    return {
        "digest": write_student(loaded, spec, context.data),
        "given": len(every),
        "examples": trained.examples,
        "steps": trained.steps,
        "parameters": whole,
        "trainable_parameters": numbers,
        "trained_tokens": trained.trained_tokens,
        "read_tokens": trained.read_tokens,
    }
