"""Questions and a model → K samples a question, chunk by chunk; a finished chunk is never drawn again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.answers.flood import is_flood
from noisy_student.context import Context
from noisy_student.data.rows import read_questions
from noisy_student.errors import UserError
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Question, Sample
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import Shard, chunks, draw_chunk
from noisy_student.sampling.sample_file import read_samples, write_samples
from noisy_student.sampling.torch_engine import TorchEngine

LIBRARIES = ("torch", "transformers", "tokenizers")


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``samples.jsonl`` by question and k; the summary counts tokens and finishes.

    A question that does not fit into the model's context with its answer gets failed samples and is named.
    """
    folder = inputs["model"][0] / "model" if "model" in inputs else Path(spec["paths"]["model"])
    model = spec["model"]
    loaded = load(
        folder,
        dtype=model["dtype"],
        attn=model["attn"],
        threads=spec["threads"],
        revision=model.get("revision"),
        pad=model["pad"],
    )
    renderer = Renderer(loaded.tokenizer, PromptSpec.model_validate(spec["prompt"]))

    def decode(ids: Sequence[int]) -> str:
        return str(loaded.tokenizer.decode(list(ids), skip_special_tokens=True))

    engine = TorchEngine(
        loaded.model,
        stop_ids=loaded.stop_ids,
        pad_id=loaded.pad_id,
        decode=decode,
        check=context.check,
        width=spec["width"],
    )
    decoding, shard = Decoding.model_validate(spec["decoding"]), Shard.model_validate(spec["shard"])
    prompts = {question: renderer.encode(question) for question in _questions(spec, inputs["split"][0])}
    room = getattr(loaded.model.config, "max_position_embeddings", sys.maxsize) - decoding.max_new_tokens
    if room < 1:
        raise UserError(
            f"max_new_tokens is {decoding.max_new_tokens}, all or more than the model's context.",
            why="No question would fit beside its answer.",
            do="Lower max_new_tokens of sampling and evaluation.",
        )
    fitting = [question for question, prompt in prompts.items() if len(prompt) <= room]
    too_long = sorted(question.id for question, prompt in prompts.items() if len(prompt) > room)
    todo = chunks(fitting, prompts.__getitem__, shard=shard, samples=spec["chunk"])
    for done, chunk in enumerate(todo):
        context.progress(done, len(todo), "chunks")
        context.check()
        path = _chunk_path(context, chunk.index)
        if not path.exists():
            drawn = draw_chunk(chunk, engine, decoding=decoding, decode=decode, run_seed=spec["seed"])
            write_samples(path, drawn)
    count = _Count()
    written = [sample for chunk in todo for sample in read_samples(_chunk_path(context, chunk.index))]
    written += [_failed(question_id, k) for question_id in too_long for k in range(shard.first, shard.end)]
    write_samples(context.data / "samples.jsonl", count.over(sorted(written, key=lambda s: (s.question_id, s.k))))
    prompt_tokens = sum(len(row.prompt) for chunk in todo for row in chunk.rows)
    return {
        "samples": count.samples,
        "tokens": count.tokens,
        "prompt_tokens": prompt_tokens,
        "finish": count.finish,
        "flooded": count.flooded,
        "too_long": too_long,
    }


class _Count:
    """Totals of the samples that pass through."""

    def __init__(self) -> None:
        self.samples, self.tokens, self.flooded = 0, 0, 0
        self.finish: dict[str, int] = {}

    def over(self, samples: Sequence[Sample]) -> Iterator[Sample]:
        for sample in samples:
            self.samples += 1
            self.tokens += len(sample.token_ids)
            self.flooded += is_flood(sample.text)
            self.finish[sample.finish] = self.finish.get(sample.finish, 0) + 1
            yield sample


def _failed(question_id: str, k: int) -> Sample:
    """What stands for a sample that could not be drawn."""
    return Sample(question_id, k, text="", token_ids=(), finish="failed", logprob=0.0, seed=0)


def _questions(spec: Mapping[str, Any], split: Path) -> list[Question]:
    """This node's block of one part of the split; blocks are cut from the questions sorted by id."""
    questions = sorted(read_questions(split / f"{spec['part']}.jsonl"), key=lambda question: question.id)
    first, end = spec["block"]
    return questions[first:end]


def _chunk_path(context: Context, index: int) -> Path:
    return context.scratch / f"chunk-{index:05d}.jsonl"
