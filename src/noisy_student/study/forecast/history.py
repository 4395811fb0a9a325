"""Observations of finished steps, from which forecasts are made: their inputs, summaries and times.

They come from the manifests of a store, whichever run made them, and of a timing of this machine. A step has a stage,
settings and inputs only, so that stored results and planned nodes are compared in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noisy_student import identity
from noisy_student.pipeline.manifest import Stored
from noisy_student.pipeline.node import Node, declared_by
from noisy_student.study.settings.methods import of_stage


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A stored result as a step; deleted inputs are left out."""

    stage: str
    spec: Mapping[str, Any] = field(repr=False)
    inputs: Mapping[str, Sequence[Made]] = field(repr=False)


Step = Node | Made
"""A planned node, or a stored result."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished step with its summary and times; ``cpu_seconds`` is None for results of older versions."""

    step: Step
    summary: Mapping[str, Any]
    seconds: float
    cpu_seconds: float | None
    imported: bool
    """True where its process had run the stage before, so that its libraries were imported already."""
    host: str | None
    from_timing: bool
    """True for a step of a timing, with few questions and students of few steps."""


def observations(found: Mapping[str, Stored], *, from_timing: bool = False) -> list[Observation]:
    """Return an observation of every timed result that is done."""
    made: dict[str, Made] = {}
    return [
        Observation(
            step=_made(result.key, found, made),
            summary=result.summary,
            seconds=float(result.provenance["seconds"]),
            cpu_seconds=result.provenance.get("cpu_seconds"),
            imported=bool(result.provenance.get("imported", True)),
            host=result.provenance.get("host"),
            from_timing=from_timing,
        )
        for result in found.values()
        if result.outcome == "done" and "seconds" in result.provenance
    ]


def lane(step: Step) -> str:
    """Return a text that is equal for steps of comparable cost: stage, engine, threads and, if one computes, model."""
    method = of_stage(step.stage)
    how = step.spec if method is None else step.spec.get(method[0], {})
    engine = step.spec.get("engine")
    facts = {
        "stage": step.stage,
        "model": base_of(step) if computes(step) else None,
        "engine": engine["name"] if engine else None,
        "threads": how.get("threads"),
        "lora": step.spec.get("lora"),
    }
    return identity.canonical(facts)


def trainer(step: Step) -> Step | None:
    """Return the training whose student a step samples; None for the untrained model, and for a deleted training."""
    given = step.inputs.get("model", ())
    if not given:
        return None
    step = given[0]
    while (role := declared_by(step.stage).forwards) is not None:
        behind = step.inputs.get(f"{role}0" if role.endswith("-") else role)
        if not behind:
            return None
        step = behind[0]
    return step


def base_of(step: Step) -> Any:
    """Return the model that a step starts from, as its key holds it."""
    train = trainer(step)
    return (step if train is None else train).spec.get("model")


def computes(step: Step) -> bool:
    """Return whether a step computes with a model, so that tokens are counted."""
    return step.stage == "sample" or of_stage(step.stage) is not None


def _made(key: str, found: Mapping[str, Stored], made: dict[str, Made]) -> Made:
    if key not in made:
        facts = found[key].facts
        inputs = {
            role: [_made(parent, found, made) for parent in parents if parent in found]
            for role, parents in facts["inputs"].items()
        }
        made[key] = Made(facts["stage"], facts["spec"], inputs)
    return made[key]
