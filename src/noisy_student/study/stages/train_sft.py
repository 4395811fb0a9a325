"""Examples and a model → a student by supervised fine-tuning, as a folder that ``from_pretrained`` loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.data.rows import read_asked
from noisy_student.labeling.example_file import read_examples
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.models.spec import PromptSpec
from noisy_student.training.encode import encode
from noisy_student.training.health.spec import HealthSpec
from noisy_student.training.sft import train
from noisy_student.training.spec import SftSpec
from noisy_student.training.student import trainable, with_adapter, write_student

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "tokenizers", "peft")


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``model/``; the loss curve goes beside the data, since it holds seconds."""
    model = spec["model"]
    loaded = load(
        Path(spec["paths"]["model"]),
        dtype=model["dtype"],
        attn=model["attn"],
        threads=spec["sft"]["threads"],
        revision=model.get("revision"),
        pad=model["pad"],
    )
    split = inputs["split"][0]
    questions = read_asked(split)
    sft = SftSpec.model_validate(spec["sft"])
    encoded = encode(
        Renderer(loaded.tokenizer, PromptSpec.model_validate(spec["prompt"])),
        read_examples(inputs["examples"][0] / "examples.jsonl"),
        {question.id: question for question in questions},
        max_length=sft.max_length,
    )
    whole = loaded.model.num_parameters()
    loaded = with_adapter(loaded, spec)
    numbers = trainable(loaded.model)
    health = HealthSpec.model_validate(spec["health"])
    trained = train(loaded, encoded, spec=sft, health=health, seed=spec["seed"], context=context)
    return {
        "digest": write_student(loaded, spec, context.data),
        "examples": trained.examples,
        "steps": trained.steps,
        "parameters": whole,
        "trainable_parameters": numbers,
        "trained_tokens": trained.trained_tokens,
        "read_tokens": trained.read_tokens,
        "too_long": len(trained.too_long),
    }
