"""Specs of the stages that use a model, made from the settings of a run or of a single command."""

from __future__ import annotations

import math
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
from noisy_student.study.settings.conditions import ConditionSettings, LabelSettings, check_grpo, with_own
from noisy_student.study.settings.study import Settings


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
        raise UserError(
            f"There is no file {path}.",
            why="Its samples would be voted on.",
            do="Fix labels.*.samples.",
            code="file-missing",
        )
    return {
        "engine": {**_engine_facts("recorded"), "digest": sha256_file(path)},
        "shard": {"first": 0, "end": label.K},
        "part": part,
        "block": [0, count],
        "chunk": settings.compute.chunk,
        "stopping": stopping(settings, label),
        "shots": 0,
    }


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


def sft(settings: Settings, condition: ConditionSettings | None = None, *, rate: float = 1.0) -> dict[str, Any]:
    """Return the spec of fine-tuning at ``rate`` times the learning rate, to which the caller adds the model.

    Conditions matched by steps all take as many as the epochs over all questions would.
    """
    match = None if condition is None else condition.match or settings.match
    own = settings.sft if condition is None else with_own(settings.sft, condition.sft, "sft")
    spec = {**own.model_dump(mode="json"), "threads": settings.compute.threads}
    if match == "epochs":
        spec |= {"match": match, "steps": None}
    elif match == "steps":
        steps = spec["steps"] or math.ceil(_questions(settings) * own.epochs / own.batch)
        spec |= {"match": match, "steps": steps}
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "sft": _at_its_rate(spec, condition, rate),
        "health": settings.health.model_dump(mode="json"),
        "lora": _lora(condition),
        "view": None if condition is None else condition.view,
    }


def examples(settings: Settings, condition: ConditionSettings, *, own: bool) -> dict[str, Any]:
    """Return the spec of a condition's examples; with ``own``, samples replace missing solutions of gold answers."""
    return {"truncated": settings.answers.truncated if own else None, "shuffle": condition.shuffle}


def grpo(settings: Settings, name: str, condition: ConditionSettings, *, rate: float = 1.0) -> dict[str, Any]:
    """Return the spec of the condition ``name`` trained by GRPO, matched as in ``sft``; the caller adds the model."""
    spec = check_grpo(name, condition, settings.grpo)
    if (condition.match or settings.match) == "steps":
        spec = spec.model_copy(update={"match": "steps", "steps": spec.steps or spec.step_count(_questions(settings))})
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "grpo": _at_its_rate({**spec.model_dump(mode="json"), "threads": settings.compute.threads}, condition, rate),
        "answers": settings.answers.model_dump(mode="json"),
        "health": settings.health.model_dump(mode="json"),
        "lora": _lora(condition),
        "shuffle": condition.shuffle,
        "width": settings.compute.width,
    }


def _lora(condition: ConditionSettings | None) -> dict[str, Any] | None:
    """The adapter without its rate, which is a field of the trainer."""
    lora = None if condition is None else condition.lora
    return None if lora is None else lora.model_dump(mode="json", exclude={"rate_factor"})


def _at_its_rate(spec: dict[str, Any], condition: ConditionSettings | None, rate: float) -> dict[str, Any]:
    """A trainer's settings at ``rate`` times the learning rate, which an adapter multiplies by a factor of its own."""
    factor = rate if condition is None or condition.lora is None else rate * condition.lora.rate_factor
    return {**spec, "learning_rate": spec["learning_rate"] * factor}


def _questions(settings: Settings) -> int:
    """The number of labeled questions without dev, and unlabeled ones."""
    sizes = sizes_of(settings.data)
    return sizes.labeled - sizes.dev + sizes.unlabeled
