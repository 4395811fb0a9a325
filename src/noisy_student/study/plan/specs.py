"""What the stages that use a model are told of a run's settings, wherever they run."""

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
from noisy_student.training.specs.grpo import GAMMA


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn of a model: K samples of a part's first ``count`` questions, fewer where a rule stops early."""

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
    """How the samples ``shard`` of each question are drawn; model, part and block are the caller's to add."""
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
            code="engine-not-installed",
        )
    return {**facts, "version": version}


def samples(settings: Settings, drawn: Draws, *, filters: Mapping[str, int | float]) -> Iterator[dict[str, Any]]:
    """How the nodes of ``drawn`` are told, by shard and block; the model is the caller's to add.

    Under a rule that stops early there is one shard, since what is drawn later depends on what came before.
    """
    step = settings.compute.block
    for shard in shards(drawn.k) if drawn.stopping is None else [Shard(first=0, end=drawn.k)]:
        for first in range(0, drawn.count, step):
            yield {
                **sample(settings, shard, decoding=drawn.decoding, filters=filters),
                "part": drawn.part,
                "block": [first, min(first + step, drawn.count)],
                **({} if drawn.stopping is None else {"stopping": drawn.stopping}),
                **({"shots": drawn.shots} if drawn.shots else {}),
            }


def recorded(settings: Settings, file: str, *, part: str, K: int, count: int) -> dict[str, Any]:
    """How a file's samples stand for those of a part's first ``count`` questions; UserError if there is no file."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(
            f"There is no file {path}.", why="Its samples are to be voted on.", do="Check labels.*.samples."
        )
    return {
        "engine": {**_engine_facts("recorded"), "digest": sha256_file(path)},
        "shard": {"first": 0, "end": K},
        "part": part,
        "block": [0, count],
        "chunk": settings.compute.chunk,
    }


def stopping(settings: Settings, label: LabelSettings) -> dict[str, Any]:
    """When a question has samples enough, and how they are read to know it."""
    return {
        "rule": label.stopping,
        "min_agreement": label.min_agreement,
        "step": label.look_every,
        "ties": settings.answers.ties,
        "truncated": settings.answers.truncated,
    }


def sft(settings: Settings, condition: ConditionSettings | None = None, *, rate: float = 1.0) -> dict[str, Any]:
    """How a student is fine-tuned, at ``rate`` times its learning rate; the model is the caller's to add.

    Matched by ``steps``, as many as the epochs over all questions would take; without a condition as the settings say.
    """
    match = None if condition is None else condition.match or settings.match
    own = settings.sft if condition is None else with_own(settings.sft, condition.sft, "sft")
    spec = {**_told(own.model_dump(mode="json"), dropout=0.0), "threads": settings.compute.threads}
    if match == "epochs":
        spec |= {"match": match, "steps": None}
    elif match == "steps":
        steps = spec["steps"] or math.ceil(_questions(settings) * own.epochs / own.batch)
        spec |= {"match": match, "steps": steps}
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "sft": _at_its_rate(spec, condition, rate),
        "health": settings.health.model_dump(mode="json"),
        **_lora(condition),
        **({} if condition is None or condition.view is None else {"view": condition.view}),
    }


def examples(settings: Settings, condition: ConditionSettings, *, own: bool) -> dict[str, Any]:
    """How a condition's labels become examples; ``own`` says that gold answers without a text take an own sample."""
    return {
        **({"truncated": settings.answers.truncated} if own else {}),
        **({} if condition.shuffle is None else {"shuffle": condition.shuffle}),
    }


def grpo(settings: Settings, name: str, condition: ConditionSettings, *, rate: float = 1.0) -> dict[str, Any]:
    """How the condition ``name`` is trained by GRPO; matched as in ``sft``, the model is the caller's to add."""
    spec = check_grpo(name, condition, settings.grpo)
    if (condition.match or settings.match) == "steps":
        spec = spec.model_copy(update={"match": "steps", "steps": spec.steps or spec.step_count(_questions(settings))})
    dumped = spec.model_dump(mode="json")
    dumped["rewards"] = _told(dumped["rewards"], kind="label", gamma=GAMMA)
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "grpo": _at_its_rate({**dumped, "threads": settings.compute.threads}, condition, rate),
        "answers": settings.answers.model_dump(mode="json"),
        "health": settings.health.model_dump(mode="json"),
        **_lora(condition),
        **({} if condition.shuffle is None else {"shuffle": condition.shuffle}),
        "width": settings.compute.width,
    }


def _told(spec: dict[str, Any], **unsaid: Any) -> dict[str, Any]:
    """Without the fields that are as ``unsaid`` has them: they came later, and older results keep their keys."""
    return {name: value for name, value in spec.items() if name not in unsaid or value != unsaid[name]}


def _lora(condition: ConditionSettings | None) -> dict[str, Any]:
    """The adapter as a key knows it; the rate is the trainer's."""
    lora = None if condition is None else condition.lora
    return {} if lora is None else {"lora": lora.model_dump(mode="json", exclude={"rate_factor"})}


def _at_its_rate(spec: dict[str, Any], condition: ConditionSettings | None, rate: float) -> dict[str, Any]:
    """A trainer's settings with the learning rate that an adapter wants, times ``rate``."""
    factor = rate if condition is None or condition.lora is None else rate * condition.lora.rate_factor
    return {**spec, "learning_rate": spec["learning_rate"] * factor}


def _questions(settings: Settings) -> int:
    """All that there is to learn from: labeled without dev, and unlabeled."""
    sizes = sizes_of(settings.data)
    return sizes.labeled - sizes.dev + sizes.unlabeled
