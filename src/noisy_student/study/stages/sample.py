"""Questions and a model → K samples per question, chunk by chunk; a finished chunk is never drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.answers.extract import Truncated, is_flood, read
from noisy_student.context import Context
from noisy_student.data.rows import read_labels, read_questions
from noisy_student.errors import UserError
from noisy_student.labeling.stopping import Rule, round_ends, rule_of, tally_of
from noisy_student.records import Answer, Draw, Kind, Question, Sample
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import EngineRequest, open_engine
from noisy_student.sampling.few_shot import FewShot, draw_few_shot
from noisy_student.sampling.sample import Shard, chunks, draw_chunk, read_samples, write_samples
from noisy_student.sampling.windows import Windows
from noisy_student.study.stages.loading import Source

LIBRARIES = ("torch", "transformers", "tokenizers", "peft")
WEIGHT = 3.0


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``samples.jsonl`` by question and k; the summary counts tokens and finishes.

    A question that exceeds the model's context together with its answer gets failed samples and is listed. ``shots``
    gold examples of the split stand before each question.
    """
    shard = Shard.model_validate(spec["shard"])
    questions = _questions(spec, inputs["split"][0])
    source = Source(spec, inputs["model"][0] if "model" in inputs else None)
    sampler = open_engine(EngineRequest(spec, source, questions, context.check))
    decoding = Decoding.model_validate(spec.get("decoding", {}))
    shots = _shots(spec, inputs["split"][0])
    room = sampler.context - decoding.max_new_tokens
    if room < 1:
        raise UserError(
            f"max_new_tokens is {decoding.max_new_tokens}, and the model's context holds {sampler.context} tokens.",
            why="No question would fit beside its answer.",
            do="Lower max_new_tokens of sampling and evaluation.",
            code="context-too-short",
        )
    prompts = {question: sampler.encode(question, shots.before(question)) for question in questions}
    fitting = [question for question, prompt in prompts.items() if len(prompt) <= room]
    beyond = [question for question, prompt in prompts.items() if len(prompt) > room]
    stopping = _EarlyStopping.of(spec.get("stopping"), shard, sampler.decode)
    todo = chunks(
        fitting,
        prompts.__getitem__,
        shard=shard,
        samples=spec["chunk"],
        copies=None if stopping is None else stopping.ends[0],
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
                windows=None if stopping is None else stopping.windows([row.question.kind for row in chunk.rows]),
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


@dataclass(frozen=True, slots=True)
class _EarlyStopping:
    """The rule that stops sampling of a question, and after how many samples it is asked."""

    rule: Rule
    ends: tuple[int, ...]
    truncated: Truncated
    decode: Callable[[Sequence[int]], str]

    @classmethod
    def of(
        cls, stopping: Mapping[str, Any] | None, shard: Shard, decode: Callable[[Sequence[int]], str]
    ) -> _EarlyStopping | None:
        if stopping is None:
            return None
        # A rule sees all samples of a question, so its node holds them all: the shard begins with the first.
        rule = rule_of(stopping["rule"], min_agreement=stopping["min_agreement"], K=shard.end, ties=stopping["ties"])
        ends = round_ends(rule, shard.end, step=stopping["step"])
        return cls(rule, ends, stopping["truncated"], decode)

    def windows(self, kinds: Sequence[Kind]) -> Windows:
        """Return the windows of one chunk, by the kinds of its questions; answers once read are kept."""
        answers: dict[int, list[str | None]] = {}

        def more(prompt: int, draws: Sequence[Draw]) -> bool:
            known = answers.setdefault(prompt, [])
            for draw in draws[len(known) :]:
                answer = read(self.decode(draw.token_ids), draw.finish, truncated=self.truncated, kind=kinds[prompt])
                known.append(answer.canonical if isinstance(answer, Answer) else None)
            return self.rule(tally_of(known), len(known), self.ends[-1]) == "go"

        return Windows(self.ends, more)


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
    """Return the placeholder of a sample that could not be drawn."""
    return Sample(question.id, k, text="", token_ids=(), finish="failed", logprob=0.0, seed=0, kind=question.kind)


def _questions(spec: Mapping[str, Any], split: Path) -> list[Question]:
    """Return this node's block of one part of the split; blocks are cut from the questions sorted by id."""
    questions = sorted(read_questions(split / f"{spec['part']}.jsonl"), key=lambda question: question.id)
    first, end = spec["block"]
    return questions[first:end]


def _shots(spec: Mapping[str, Any], split: Path) -> FewShot:
    """Return the few-shot examples of this node; without shots the split is not read."""
    if not spec.get("shots"):
        return FewShot((), 0)
    labeled = {question.id: question for question in read_questions(split / "labeled.jsonl")}
    return draw_few_shot(labeled, read_labels(split / "gold.jsonl"), spec["shots"], run_seed=spec["seed"])


def _chunk_path(context: Context, index: int) -> Path:
    return context.scratch / f"chunk-{index:05d}.jsonl"
