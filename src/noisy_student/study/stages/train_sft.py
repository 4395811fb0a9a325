"""Examples and a model → a student trained by supervised fine-tuning, as a folder for ``from_pretrained``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_asked, read_questions
from noisy_student.errors import NotTrainable
from noisy_student.labeling.examples import read_examples
from noisy_student.models.chat import Renderer
from noisy_student.records import Question
from noisy_student.study.stages.loading import load_model, start
from noisy_student.study.stages.saving import save_student
from noisy_student.training.sft.examples import encode
from noisy_student.training.sft.train import train
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec
from noisy_student.training.student import trainable, with_adapter

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "tokenizers", "peft")
WEIGHT = 10.0


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``model/``; the loss curve goes beside the data, since it holds seconds."""
    loaded = load_model(spec, start(spec, inputs), threads=spec["sft"]["threads"])
    split = inputs["split"][0]
    examples = read_examples(inputs["examples"][0] / "examples.jsonl")
    sft = SftSpec.model_validate(spec["sft"])
    encoded = encode(
        Renderer(loaded.tokenizer, spec["prompt"]),
        examples,
        _questions(split, spec.get("view"), {example.question_id for example in examples}),
        max_length=sft.max_length,
    )
    whole = loaded.model.num_parameters()
    loaded = with_adapter(loaded, spec)
    numbers = trainable(loaded.model)
    health = HealthSpec.model_validate(spec["health"])
    trained = train(loaded, encoded, spec=sft, health=health, seed=spec["seed"], context=context)
    return {
        "digest": save_student(loaded, spec["sft"], spec, inputs, context),
        "examples": trained.examples,
        "steps": trained.steps,
        "parameters": whole,
        "trainable_parameters": numbers,
        "trained_tokens": trained.trained_tokens,
        "read_tokens": trained.read_tokens,
        "too_long": len(trained.too_long),
        # Gold answers are those of labeled questions, which no other label is about.
        "gold_too_long": len(set(trained.too_long) & {each.id for each in read_questions(split / "labeled.jsonl")}),
        "seeded": trained.seeded,
    }


def _questions(split: Path, view: str | None, learned: Collection[str]) -> dict[str, Question]:
    """Return the questions by id in the student's wording; NotTrainable where a training question lacks it."""
    if view is None:
        return {question.id: question for question in read_asked(split)}
    views = {question.id: question for question in read_questions(split / "views.jsonl")}
    lacking = sorted(set(learned) - set(views))
    if lacking:
        raise NotTrainable(
            f"{len(lacking)} of {len(learned)} training questions have no {view}, the first of them {lacking[0]}.",
            why="The condition trains on the other wording of every question.",
            do="Fill the column of paraphrases (data.source.fields.paraphrase), or leave this condition out.",
            code="view-missing",
        )
    return views
