"""Questions and a model → K samples per question, chunk by chunk; a finished chunk is never drawn again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import seeds
from noisy_student.answers.extract import is_flood, read
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels, read_questions
from noisy_student.errors import UserError
from noisy_student.labeling.stopping import round_ends, rule_of, tally_of
from noisy_student.models.chat import Shot
from noisy_student.records import Answer, Draw, Kind, Label, Question, Sample
from noisy_student.sampling.engine import Decoding, Windows
from noisy_student.sampling.engines import EngineRequest, open_engine
from noisy_student.sampling.sample import Chunk, Shard, chunks, draw_chunk, read_samples, write_samples
from noisy_student.study.stages.loading import Source

LIBRARIES = ("torch", "transformers", "tokenizers", "peft")
WEIGHT = 3.0


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``samples.jsonl`` by question and k; the summary counts tokens and finishes.

    A question that exceeds the model's context together with its answer gets failed samples and is listed. ``shots``
    gold examples of the split stand before each question.
    """
    shard = Shard.model_validate(spec["shard"])
    split, (first, end) = inputs["split"][0], spec["block"]
    # Blocks are cut from the questions sorted by id.
    questions = sorted(read_questions(split / f"{spec['part']}.jsonl"), key=lambda question: question.id)[first:end]
    source = Source(spec, inputs["model"][0] if "model" in inputs else None)
    sampler = open_engine(EngineRequest(spec, source, questions, context.check, context.scratch))
    decoding = Decoding.model_validate(spec.get("decoding", {}))
    shots = _shots(spec, split)
    room = _room(decoding.max_new_tokens, sampler.context)
    prompts = {question: sampler.encode(question, shots(question)) for question in questions}
    fitting = [question for question, prompt in prompts.items() if len(prompt) <= room]
    beyond = [question for question, prompt in prompts.items() if len(prompt) > room]
    windows = None if spec.get("stopping") is None else _windows(spec["stopping"], shard, sampler.decode)
    todo = chunks(
        fitting,
        prompts.__getitem__,
        shard=shard,
        samples=min(spec["chunk"], sampler.most or spec["chunk"]),
        copies=None if windows is None else windows(()).ends[0],
    )
    paths = [context.scratch / f"chunk-{chunk.index:05d}.jsonl" for chunk in todo]
    for done, (chunk, path) in enumerate(zip(todo, paths, strict=True)):
        context.progress(done, len(todo), "chunks")
        context.check()
        if not _holds(path, chunk):
            drawn = draw_chunk(
                chunk,
                sampler.engine,
                decoding=decoding,
                decode=sampler.decode,
                run_seed=spec["seed"],
                windows=None if windows is None else windows([row.question.kind for row in chunk.rows]),
            )
            write_samples(path, drawn)
    written = [sample for path in paths for sample in read_samples(path)]
    # Placeholders of samples that could not be drawn.
    written += [
        Sample(question.id, k, text="", token_ids=(), finish="failed", logprob=0.0, seed=0, kind=question.kind)
        for question in beyond
        for k in range(shard.first, shard.end)
    ]
    written.sort(key=lambda sample: (sample.question_id, sample.k))
    write_samples(context.data / "samples.jsonl", written)
    return {
        "samples": len(written),
        "tokens": sum(len(sample.token_ids) for sample in written),
        "prompt_tokens": sum(len(row.prompt) for chunk in todo for row in chunk.rows),
        "parameters": sampler.parameters,
        "finish": dict(Counter(sample.finish for sample in written)),
        "flooded": sum(is_flood(sample.text) for sample in written),
        "too_long": sorted(question.id for question in beyond),
        "fallback": sampler.fallback,
    }


def _holds(path: Path, chunk: Chunk) -> bool:
    """Return whether a file is of this chunk: an engine on another device may have cut the questions otherwise."""
    asked = {row.question.id for row in chunk.rows}
    return path.exists() and {sample.question_id for sample in read_samples(path)} == asked


def _room(answer: int, context: int) -> int:
    """Return the tokens that a prompt may have."""
    if answer >= context:
        raise UserError(
            f"max_new_tokens is {answer}, and the model's context holds {context} tokens.",
            why="No question would fit beside its answer.",
            do="Lower max_new_tokens of sampling and evaluation.",
            code="context-too-short",
        )
    return context - answer


def _windows(
    stopping: Spec, shard: Shard, decode: Callable[[Sequence[int]], str]
) -> Callable[[Sequence[Kind]], Windows]:
    """Return the windows of a chunk as a function of its questions' kinds; answers once read are kept."""
    # A rule sees all samples of a question, so its node holds them all: the shard begins with the first.
    rule = rule_of(stopping["rule"], min_agreement=stopping["min_agreement"], K=shard.end, ties=stopping["ties"])
    ends = round_ends(rule, shard.end, step=stopping["step"])

    def of_chunk(kinds: Sequence[Kind]) -> Windows:
        answers: dict[int, list[str | None]] = {}

        def more(prompt: int, draws: Sequence[Draw]) -> bool:
            known = answers.setdefault(prompt, [])
            for draw in draws[len(known) :]:
                text = decode(draw.token_ids)
                answer = read(text, draw.finish, truncated=stopping["truncated"], kind=kinds[prompt])
                known.append(answer.canonical if isinstance(answer, Answer) else None)
            return rule(tally_of(known), len(known), ends[-1]) == "go"

        return Windows(ends, more)

    return of_chunk


def _shots(spec: Spec, split: Path) -> Callable[[Question], tuple[Shot, ...]]:
    """Return the few-shot examples of this node; without shots the split is not read."""
    if not spec.get("shots"):
        return lambda question: ()
    labeled = {question.id: question for question in read_questions(split / "labeled.jsonl")}
    return draw_few_shot(labeled, read_labels(split / "gold.jsonl"), spec["shots"], run_seed=spec["seed"])


def draw_few_shot(
    questions: Mapping[str, Question], gold: Iterable[Label], count: int, *, run_seed: int
) -> Callable[[Question], tuple[Shot, ...]]:
    """Return ``count`` worked labels for each question, the same for all, but never the question itself.

    The seed draws their order; a larger ``count`` extends a smaller one. Raises UserError where fewer remain.
    """
    solved = {label.question_id: label.solution for label in gold if label.solution is not None}
    # One more than are shown, for the question that is an example itself.
    ranked = sorted(solved, key=lambda name: (seeds.seed(run_seed, "shots", name), name))[: count + 1]
    if len(ranked) <= count:
        raise UserError(
            f"labels.*.shots is {count}, but only {len(solved)} labeled questions have a worked solution.",
            why="Each shot needs a worked solution, and a question is never its own example.",
            do=f"Set labels.*.shots to {max(0, len(solved) - 1)} or less, or add solutions to labeled questions.",
            code="too-few-shots",
        )
    shots = [Shot(questions[name], str(solved[name])) for name in ranked]
    return lambda question: tuple(shot for shot in shots if shot.question.id != question.id)[:count]
