"""The student of a training as a folder, in the type of its base's weights where that costs no accuracy on dev."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from noisy_student import seeds
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import read
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels, read_questions
from noisy_student.models.adapter import plain
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel
from noisy_student.models.save import save
from noisy_student.records import Answer
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.study.stages.loading import start_dtype
from noisy_student.training.student import round_weights, write_student

WIDTH = 16
"""Answers drawn at once; the optimiser's state may still fill the memory."""
BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number, of the types that weights are saved in."""


def save_student(
    student: LoadedModel, settings: Mapping[str, Any], spec: Spec, inputs: Inputs, context: Context
) -> str:
    """Write ``model/`` or ``adapter/`` and return its digest; ``settings`` are those of the training method.

    ``save_dtype`` says in which type: ``trained``, ``base``, or ``auto`` for the base's if no fewer dev questions are
    answered correctly with rounded weights. Later stages read the saved student, so its accuracy is that of the rounded
    weights.
    """
    digest = write_student(student, spec, context.data)
    # A merged adapter is part of the weights by now.
    student = replace(student, model=plain(student.model))
    base, own = start_dtype(spec, inputs), str(student.model.dtype).removeprefix("torch.")
    wish = settings["save_dtype"]
    if base not in BYTES or base == own or wish == "trained" or not (context.data / "model").is_dir():
        return digest
    if wish == "auto":
        if BYTES[base] >= BYTES[own]:
            return digest
        right = _right(student, settings, spec, inputs, context)
        round_weights(student, base)
        rounded = _right(student, settings, spec, inputs, context)
        seen = f"{rounded} answers on dev are right, {right} without rounding"
        if not right or rounded < right:
            reason = f"with rounded weights {seen}" if right else "no dev question was answered correctly"
            context.notice(
                f"The student is saved in {own}, and its base in {base}: {reason}. It takes {BYTES[own] // BYTES[base]}"
                ' times the space; save_dtype = "base" rounds it.'
            )
            return digest
        context.notice(f"The student is saved in {base}, as its base: with rounded weights {seen}.")
    shutil.rmtree(context.data / "model")
    return save(student, context.data / "model", dtype=base)


def _right(student: LoadedModel, settings: Mapping[str, Any], spec: Spec, inputs: Inputs, context: Context) -> int:
    """Number of dev questions that the model answers correctly, greedily."""
    split = Path(inputs["split"][0])
    if not (split / "dev_gold.jsonl").is_file():
        return 0
    gold = read_labels(split / "dev_gold.jsonl")[: spec["health"]["dev"]]
    if not gold:
        return 0
    questions = {question.id: question for question in read_questions(split / "dev.jsonl")}
    model, renderer = student.model, Renderer(student.tokenizer, spec["prompt"])
    asked = [(label, renderer.encode(questions[label.question_id])) for label in gold]
    room = int(getattr(model.config, "max_position_embeddings", 1 << 30)) - max(len(prompt) for _, prompt in asked)
    cap = min(settings.get("max_new_tokens") or settings["max_length"], room)
    if cap < 1:
        return 0
    engine = TorchEngine(
        model,
        stop_ids=student.stop_ids,
        pad_id=student.pad_id,
        decode=renderer.decode,
        check=context.check,
        width=WIDTH,
    )
    row_seeds = [[seeds.seed(spec["seed"], "save-dtype", label.question_id)] for label, _ in asked]
    drawn = engine.draw([prompt for _, prompt in asked], row_seeds, Decoding(temperature=0.0, max_new_tokens=cap))
    right = 0
    for (label, _), (draw,) in zip(asked, drawn, strict=True):
        text, kind = renderer.decode(draw.token_ids), questions[label.question_id].kind
        found = read(text, draw.finish, kind=kind)
        right += isinstance(found, Answer) and same(found.canonical, label.answer)
    return right
