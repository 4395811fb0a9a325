"""Questions and a model → K samples a question, chunk by chunk; a finished chunk is never drawn again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.answers.extract import Truncated, is_flood, read
from noisy_student.context import Context
from noisy_student.data.rows import read_labels, read_questions
from noisy_student.errors import UserError
from noisy_student.labeling.stopping import Rule, round_ends, rule_of, tally_of
from noisy_student.models.adapter import merged
from noisy_student.models.chat import Renderer, Shot
from noisy_student.models.load import load, load_tokenizer
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Answer, Draw, Kind, Question, Sample
from noisy_student.sampling.engine import Decoding, Engine
from noisy_student.sampling.few_shot import Shots, draw_shots
from noisy_student.sampling.recorded_engine import RecordedEngine
from noisy_student.sampling.rounds import Rounds
from noisy_student.sampling.sample import Shard, chunks, draw_chunk, read_samples, write_samples
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.sampling.vllm_engine import VllmEngine

LIBRARIES = ("torch", "transformers", "tokenizers", "peft")
WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class _Sampler:
    """An engine with the reading and writing of its model; ``context`` is how many tokens that model can hold."""

    engine: Engine
    encode: Callable[[Question, Sequence[Shot]], Sequence[int]]
    decode: Callable[[Sequence[int]], str]
    context: int = sys.maxsize
    parameters: int | None = None
    fallback: str | None = None
    """Why a slower way is taken."""


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``samples.jsonl`` by question and k; the summary counts tokens and finishes.

    A question that does not fit into the model's context with its answer gets failed samples and is named. ``shots``
    gold examples of the split stand before each question.
    """
    shard = Shard.model_validate(spec["shard"])
    questions = _questions(spec, inputs["split"][0])
    if spec["engine"]["name"] == "recorded":
        sampler, decoding = _recorded(spec, questions, shard), Decoding()
    else:
        student = inputs["model"][0] if "model" in inputs else None
        sampler, decoding = _sampler(spec, student, context), Decoding.model_validate(spec["decoding"])
    shots = _shots(spec, inputs["split"][0])
    room = sampler.context - decoding.max_new_tokens
    if room < 1:
        raise UserError(
            f"max_new_tokens is {decoding.max_new_tokens}, all or more than the model's context.",
            why="No question would fit beside its answer.",
            do="Lower max_new_tokens of sampling and evaluation.",
        )
    prompts = {question: sampler.encode(question, shots.before(question)) for question in questions}
    fitting = [question for question, prompt in prompts.items() if len(prompt) <= room]
    beyond = [question for question, prompt in prompts.items() if len(prompt) > room]
    looks = _Looks.of(spec.get("stopping"), shard, sampler.decode)
    todo = chunks(
        fitting,
        prompts.__getitem__,
        shard=shard,
        samples=spec["chunk"],
        copies=looks.ends[0] if looks is not None else None,
    )
    for done, chunk in enumerate(todo):
        context.progress(done, len(todo), "chunks")
        context.check()
        path = _chunk_path(context, chunk.index)
        if not path.exists():
            drawn = draw_chunk(
                chunk,
                sampler.engine,
                decoding=decoding,
                decode=sampler.decode,
                run_seed=spec["seed"],
                rounds=looks.rounds([row.question.kind for row in chunk.rows]) if looks is not None else None,
            )
            write_samples(path, drawn)
    count = _Count()
    written = [sample for chunk in todo for sample in read_samples(_chunk_path(context, chunk.index))]
    written += [_failed(question, k) for question in beyond for k in range(shard.first, shard.end)]
    write_samples(context.data / "samples.jsonl", count.over(sorted(written, key=lambda s: (s.question_id, s.k))))
    return {
        "samples": count.samples,
        "tokens": count.tokens,
        "prompt_tokens": sum(len(row.prompt) for chunk in todo for row in chunk.rows),
        "parameters": sampler.parameters,
        "finish": count.finish,
        "flooded": count.flooded,
        "too_long": sorted(question.id for question in beyond),
        "fallback": sampler.fallback,
    }


def _sampler(spec: Mapping[str, Any], student: Path | None, context: Context) -> _Sampler:
    """The engine with its model: a student's, an adapter upon its base, or the untrained one."""
    if student is None or not (student / "adapter").is_dir():
        folder = Path(spec["paths"]["model"]) if student is None else student / "model"
        return _torch(spec, folder, context) if spec["engine"]["name"] == "torch" else _vllm(spec, folder, context)
    if spec["engine"]["name"] != "torch":
        raise UserError(
            f"The student is an adapter, and compute.engine is {spec['engine']['name']}.",
            why="That engine reads whole models.",
            do="Set lora.merge = true, or --set compute.engine=torch.",
        )
    return _torch(spec, Path(spec["paths"]["model"]), context, adapter=student / "adapter")


def _torch(spec: Mapping[str, Any], folder: Path, context: Context, adapter: Path | None = None) -> _Sampler:
    model = spec["model"]
    loaded = load(
        folder,
        dtype=model["dtype"],
        attn=model["attn"],
        threads=spec["threads"],
        revision=model.get("revision"),
        pad=model["pad"],
    )
    if adapter is not None:
        loaded = merged(loaded, adapter)
    renderer = Renderer(loaded.tokenizer, PromptSpec.model_validate(spec["prompt"]))
    engine = TorchEngine(
        loaded.model,
        stop_ids=loaded.stop_ids,
        pad_id=loaded.pad_id,
        decode=renderer.decode,
        check=context.check,
        width=spec["width"],
    )
    return _Sampler(
        engine,
        renderer.encode,
        renderer.decode,
        context=getattr(loaded.model.config, "max_position_embeddings", sys.maxsize),
        parameters=loaded.model.num_parameters(),
        fallback=engine.fallback,
    )


def _vllm(spec: Mapping[str, Any], folder: Path, context: Context) -> _Sampler:
    model = spec["model"]
    found = load_tokenizer(folder, revision=model.get("revision"))
    renderer = Renderer(found.tokenizer, PromptSpec.model_validate(spec["prompt"]))
    engine = VllmEngine(
        found.folder, dtype=model["dtype"], stop_ids=found.stop_ids, decode=renderer.decode, check=context.check
    )
    return _Sampler(engine, renderer.encode, renderer.decode, context=found.context)


def _recorded(spec: Mapping[str, Any], questions: Sequence[Question], shard: Shard) -> _Sampler:
    """The engine that replays a file; UserError where the file lacks a sample that is asked for."""
    wanted, path = {question.id for question in questions}, Path(spec["paths"]["samples"])
    engine = RecordedEngine(
        (sample for sample in read_samples(path) if sample.question_id in wanted), run_seed=spec["seed"]
    )
    ks = range(shard.first, shard.end)
    missing = {question.id: lacking for question in questions if (lacking := engine.lacks(question.id, ks))}
    if missing:
        name, lacking = next(iter(missing.items()))
        raise UserError(
            f"{path} lacks samples of {len(missing)} of {len(questions)} questions; of {name} it lacks k = "
            f"{', '.join(map(str, lacking[:8]))}.",
            why=f"Each {spec['part']} question of this run needs its samples {shard.first} to {shard.end - 1}.",
            do="Draw them with noisy-student sample, lower K, or ask the questions that the file has.",
        )
    return _Sampler(engine, lambda question, shots: (), engine.decode)


@dataclass(frozen=True, slots=True)
class _Looks:
    """When the sampling of a question is looked at, and by which rule."""

    rule: Rule
    ends: tuple[int, ...]
    truncated: Truncated
    decode: Callable[[Sequence[int]], str]

    @classmethod
    def of(
        cls, stopping: Mapping[str, Any] | None, shard: Shard, decode: Callable[[Sequence[int]], str]
    ) -> _Looks | None:
        if stopping is None:
            return None
        # A rule sees all samples of a question, so its node holds them all: the shard begins with the first.
        rule = rule_of(stopping["rule"], min_agreement=stopping["min_agreement"], K=shard.end, ties=stopping["ties"])
        ends = round_ends(rule, shard.end, step=stopping["step"])
        return cls(rule, ends, stopping["truncated"], decode)

    def rounds(self, kinds: Sequence[Kind]) -> Rounds:
        """The rounds of one chunk, by the kinds of its questions; what was read of draws is kept from look to look."""
        answers: dict[int, list[str | None]] = {}

        def go(prompt: int, draws: Sequence[Draw]) -> bool:
            known = answers.setdefault(prompt, [])
            for draw in draws[len(known) :]:
                answer = read(self.decode(draw.token_ids), draw.finish, truncated=self.truncated, kind=kinds[prompt])
                known.append(answer.canonical if isinstance(answer, Answer) else None)
            return self.rule(tally_of(known), len(known), self.ends[-1]) == "go"

        return Rounds(self.ends, go)


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


def _failed(question: Question, k: int) -> Sample:
    """What stands for a sample that could not be drawn."""
    return Sample(question.id, k, text="", token_ids=(), finish="failed", logprob=0.0, seed=0, kind=question.kind)


def _questions(spec: Mapping[str, Any], split: Path) -> list[Question]:
    """This node's block of one part of the split; blocks are cut from the questions sorted by id."""
    questions = sorted(read_questions(split / f"{spec['part']}.jsonl"), key=lambda question: question.id)
    first, end = spec["block"]
    return questions[first:end]


def _shots(spec: Mapping[str, Any], split: Path) -> Shots:
    """The gold examples that this node's model reads; the split is not read where it reads none."""
    if not spec.get("shots"):
        return Shots((), 0)
    labeled = {question.id: question for question in read_questions(split / "labeled.jsonl")}
    return draw_shots(labeled, read_labels(split / "gold.jsonl"), spec["shots"], run_seed=spec["seed"])


def _chunk_path(context: Context, index: int) -> Path:
    return context.scratch / f"chunk-{index:05d}.jsonl"
