"""Model and engine → dtype, stop ids, training prompts, sampling speed, and verbatim continuations of questions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisy_student import files, seeds
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels, read_questions
from noisy_student.evaluation.preflight.facts import Completion, PromptComparison, Speed, StopIds
from noisy_student.evaluation.preflight.model import VERBATIM, common_prefix, compare_prompts
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel
from noisy_student.records import Question
from noisy_student.sampling.engine import Decoding, Engine
from noisy_student.sampling.engines import EngineRequest, open_engine
from noisy_student.study.stages.loading import Source

LIBRARIES = ("torch", "transformers", "tokenizers")
EXAMPLES = 200
"""Training examples whose prompts are compared; a template that differs does so in every example."""


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``model.json``; the speed is in the summary only, since it differs between runs."""
    source = Source(spec)
    loaded = source.weights
    renderer = Renderer(loaded.tokenizer, spec["prompt"])
    questions = read_questions(inputs["holdout"][0] / "holdout.jsonl")
    engine = open_engine(EngineRequest(spec, source, questions, context.check)).engine
    found = {
        "dtype": str(loaded.model.dtype).removeprefix("torch."),
        "parameters": loaded.model.num_parameters(),
        "stop_ids": asdict(_stop_ids(loaded, source.folder, pad_as_end=spec["model"]["pad"] == "eos")),
        "prompts": asdict(_compared(renderer, inputs["split"][0], loaded.stop_ids)),
    }
    context.check()
    speed = _speed(spec, engine, [renderer.encode(question) for question in questions])
    context.check()
    known = asdict(_completed(spec, engine, loaded, questions)) if spec["completions"] else None
    files.write_json(context.data / "model.json", {**found, "completion": known})
    return {**found, "speed": asdict(speed), "completion": known}


def _stop_ids(loaded: LoadedModel, folder: Path, *, pad_as_end: bool) -> StopIds:
    """The end ids in the model's files, read anew, and those that the engine uses."""
    path = folder / "generation_config.json"
    named = files.read_json(path).get("eos_token_id") if path.is_file() else None
    stated = [*(named if isinstance(named, list) else [named]), loaded.tokenizer.eos_token_id]
    ends = {token for token in stated if isinstance(token, int)}
    return StopIds(tuple(sorted(ends)), tuple(sorted(loaded.stop_ids)), loaded.turn_end_id, loaded.pad_id, pad_as_end)


def _compared(renderer: Renderer, split: Path, stop_ids: frozenset[int]) -> PromptComparison:
    questions = {question.id: question for question in read_questions(split / "labeled.jsonl")}
    rows = []
    for label in read_labels(split / "gold.jsonl")[:EXAMPLES]:
        question = questions[label.question_id]
        example = renderer.encode_example(question, label.solution or f"#### {label.answer}")
        rows.append((renderer.encode(question), example.ids, example.completion_mask))
    return compare_prompts(rows, end_id=renderer.end_id, stop_ids=stop_ids)


def _speed(spec: Spec, engine: Engine, prompts: Sequence[Sequence[int]]) -> Speed:
    """Tokens per second of the same answers sampled together and one at a time, after one for warm-up."""
    rows = list(prompts[: spec["speed_rows"]])
    row_seeds = [[seeds.seed(spec["seed"], "preflight-speed", k=k)] for k in range(len(rows))]
    decoding = Decoding(temperature=0.7, max_new_tokens=spec["speed_tokens"], stop_at_answer=False)

    def tokens(first: int, end: int) -> int:
        drawn = engine.draw(rows[first:end], row_seeds[first:end], decoding)
        return sum(len(draw.token_ids) for draws in drawn for draw in draws)

    tokens(0, 1)
    started = time.monotonic()
    together = tokens(0, len(rows))
    between = time.monotonic()
    alone = sum(tokens(place, place + 1) for place in range(len(rows)))
    ended = time.monotonic()
    return Speed(len(rows), together / (between - started), alone / (ended - between))


def _completed(spec: Spec, engine: Engine, loaded: LoadedModel, questions: Sequence[Question]) -> Completion:
    """Continue the first half of each question greedily, as plain text, and compare with its second half."""
    halves = []
    for question in questions[: spec["completions"]]:
        ids = list(loaded.tokenizer.encode(question.text, add_special_tokens=False))
        if len(ids) - len(ids) // 2 >= VERBATIM:
            halves.append((ids[: len(ids) // 2], ids[len(ids) // 2 :]))
    if not halves:
        return Completion(0, 0, VERBATIM, 0)
    decoding = Decoding(temperature=0.0, max_new_tokens=2 * VERBATIM, stop_at_answer=False)
    drawn = engine.draw([first for first, _ in halves], [[0]] * len(halves), decoding)
    lengths = [common_prefix(draws[0].token_ids, rest) for draws, (_, rest) in zip(drawn, halves, strict=True)]
    verbatim = sum(length >= VERBATIM for length in lengths)
    return Completion(len(halves), verbatim, VERBATIM, max(lengths))
