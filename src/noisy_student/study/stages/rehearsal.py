"""Model and training settings → peak memory of one training step with the longest rows."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import partial
from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_questions
from noisy_student.models.chat import Renderer
from noisy_student.records import MemoryRehearsal
from noisy_student.study.stages.loading import Source, base, load_copy, load_model
from noisy_student.study.stages.train_grpo import draw_rows
from noisy_student.training.memory_rehearsal import rehearse_grpo, rehearse_sft
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.sft import SftSpec

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "tokenizers")


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``methods.json``; the peaks are in the summary only, since they differ between runs."""
    split, found = inputs["split"][0], Source(spec).tokenizer
    renderer = Renderer(found.tokenizer, spec["prompt"])
    questions = [*read_questions(split / "labeled.jsonl"), *read_questions(split / "unlabeled.jsonl")]
    prompts = sorted((renderer.encode(question) for question in questions), key=len)
    load = partial(load_model, spec, base(spec), threads=spec["threads"])
    measured: list[MemoryRehearsal] = []
    if spec["sft"] is not None:
        context.check()
        sft = SftSpec.model_validate(spec["sft"])
        # Training leaves out longer examples, so the longest prompt that fits counts.
        fitting = [prompt for prompt in prompts if len(prompt) < sft.max_length] or prompts[:1]
        measured.append(rehearse_sft(load, fitting[-1], sft, context))
    if spec["grpo"] is not None:
        context.check()
        grpo = GrpoSpec.model_validate(spec["grpo"])
        fitting = [prompt for prompt in prompts if len(prompt) + grpo.max_new_tokens <= found.context] or prompts[:1]
        # TRL loads its reference model by path.
        copied = partial(load_copy, spec, base(spec), context, threads=spec["threads"])
        # Without stop ids every answer runs to the cap.
        draw = draw_rows(grpo, renderer.decode, stop_ids=(), pad_id=0, width=spec["width"])
        measured.append(rehearse_grpo(copied if grpo.beta else load, fitting[-1], grpo, draw, context))
    # The trainers wrote curves of this step, which belong to no training.
    shutil.rmtree(context.curves, ignore_errors=True)
    files.write_json(context.data / "methods.json", [each.method for each in measured])
    return {"rehearsals": [asdict(each) for each in measured]}
