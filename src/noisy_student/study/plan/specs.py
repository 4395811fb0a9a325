"""Specs of the stages that use a model, made from the settings of a run or of a single command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.files import sha256_file
from noisy_student.pipeline.node import code_of
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import ENGINES, choose_engine, library_version
from noisy_student.sampling.sample import Shard, shards
from noisy_student.study.settings.conditions import LabelCondition, TextCondition, TrainedCondition
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.methods import METHODS
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.rewards import REWARDS, RewardSpec


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Samples to draw: K for each of a part's first ``count`` questions, fewer where a rule stops early."""

    part: str
    decoding: Decoding
    k: int
    count: int
    stopping: Mapping[str, Any] | None = None
    shots: int = 0
    """Gold examples that the model reads before each question."""


def sample(
    settings: Settings, shard: Shard, *, decoding: Decoding, filters: Mapping[str, int | float]
) -> dict[str, Any]:
    """Return the spec of one shard of samples, to which the caller adds model, part and block."""
    return {
        "engine": engine(settings),
        "prompt": settings.prompt.model_dump(mode="json"),
        "decoding": {**decoding.model_dump(mode="json"), **filters},
        "shard": shard.model_dump(),
        "chunk": settings.compute.chunk,
        "width": settings.compute.width,
        "threads": settings.compute.threads,
    }


def engine(settings: Settings) -> dict[str, Any]:
    """Return the engine of a run as a key holds it."""
    return _engine_facts(choose_engine(settings.compute.engine, adapters=bool(settings.adapters)))


def _engine_facts(name: str) -> dict[str, Any]:
    """Return name, code and library version of an engine; raises UserError where its library is not installed."""
    row = ENGINES.get(name)
    facts = {"name": name, "code": code_of(row.module), **ENGINES.identity(name)}
    if row.library is None:
        return facts
    version = library_version(row.library)
    if version is None:
        raise UserError(
            f"compute.engine is {name}, but the library {row.library} is not installed.",
            why="It is optional, since most machines cannot use it.",
            do=f"{row.install or f'Install {row.library}'}, or --set compute.engine=torch.",
            code="extra-missing",
        )
    return {**facts, "version": version}


def samples(
    settings: Settings, request: SampleRequest, *, filters: Mapping[str, int | float]
) -> Iterator[dict[str, Any]]:
    """Yield the specs of a request by shard and block, to which the caller adds the model.

    A rule that stops early needs one shard, since later samples depend on earlier ones.
    """
    step = settings.compute.block
    for shard in shards(request.k) if request.stopping is None else [Shard(first=0, end=request.k)]:
        for first in range(0, request.count, step):
            yield {
                **sample(settings, shard, decoding=request.decoding, filters=filters),
                "part": request.part,
                "block": [first, min(first + step, request.count)],
                "stopping": request.stopping,
                "shots": request.shots,
            }


def recorded(settings: Settings, label: LabelSettings, *, part: str, count: int) -> dict[str, Any]:
    """Return the spec of samples read from a label set's file for a part's first ``count`` questions.

    Raises UserError where the file is missing.
    """
    path = Path(str(label.samples)).expanduser()
    if not path.is_file():
        what = f"There is no file {path}."
        raise UserError(what, why="Its samples would be voted on.", do="Fix labels.*.samples.", code="file-not-found")
    return {
        "engine": {**_engine_facts("recorded"), "digest": sha256_file(path)},
        "shard": {"first": 0, "end": label.K},
        "part": part,
        "block": [0, count],
        "chunk": settings.compute.chunk,
        "stopping": stopping(settings, label),
        "shots": 0,
    }


def vote(
    settings: Settings, K: int, *, questions: int | None = None, stopping: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the spec of votes of K on the first ``questions`` by id, None for all that were sampled."""
    answers = settings.answers
    return {"K": K, "truncated": answers.truncated, "ties": answers.ties, "questions": questions, "stopping": stopping}


def stopping(settings: Settings, label: LabelSettings) -> dict[str, Any] | None:
    """Return the rule that ends a question's sampling, and how its samples are read; None where all K are drawn."""
    if not label.stops_early:
        return None
    return {
        "rule": label.stopping,
        "min_agreement": label.min_agreement,
        "step": label.look_every,
        "ties": settings.answers.ties,
        "truncated": settings.answers.truncated,
    }


def training(settings: Settings, name: str, condition: TrainedCondition, *, rate: float = 1.0) -> dict[str, Any]:
    """Return the spec of a condition's training at ``rate`` times its learning rate; the caller adds the model.

    Conditions matched by steps all take as many as the epochs over all questions would. Threads, match and learning
    rate are set where the settings of the condition's method have such a field.
    """
    work = METHODS.get(condition.method).work
    own = settings.training_spec(condition, name)
    spec, rewards = own.model_dump(mode="json"), getattr(own, "rewards", None)
    if "threads" in spec:
        spec["threads"] = settings.compute.threads
    match = condition.match or settings.match
    if match == "steps" and "match" in spec and work is not None:
        sizes = sizes_of(settings.data)
        questions = sizes.labeled - sizes.dev + sizes.unlabeled
        spec |= {"match": match, "steps": spec["steps"] or work.steps(spec, questions)}
    elif isinstance(condition, TextCondition) and "match" in spec:
        spec |= {"match": match, "steps": None}
    if "learning_rate" in spec:
        spec["learning_rate"] *= rate if condition.lora is None else rate * condition.lora.rate_factor
    # The rate of an adapter is a field of its trainer.
    lora = None if condition.lora is None else condition.lora.model_dump(mode="json", exclude={"rate_factor"})
    common = {**_trainer(settings, condition.method, spec), "lora": lora}
    if isinstance(condition, TextCondition):
        return {**common, "view": condition.view}
    return {
        **common,
        "answers": settings.answers.model_dump(mode="json"),
        "reward": REWARDS.identity(rewards.kind) if isinstance(rewards, RewardSpec) else {},
        "shuffle": condition.shuffle if isinstance(condition, LabelCondition) else None,
        "width": settings.compute.width,
    }


def sft(settings: Settings) -> dict[str, Any]:
    """Return the spec of fine-tuning outside of a study, to which the caller adds the model."""
    spec = {**settings.sft.model_dump(mode="json"), "threads": settings.compute.threads}
    return {**_trainer(settings, "sft", spec), "lora": None, "view": None}


def _trainer(settings: Settings, method: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        method: spec,
        "plugin": METHODS.identity(method),
        "health": settings.health.model_dump(mode="json"),
    }
