"""What was computed before, as the forecast reads it: steps with what they read, what they said, what they took.

Manifests of a store come in, and those of a calibration in the same form. A step is known here by its stage, settings
and inputs alone, so that one that was made and one that is planned are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from noisy_student import identity
from noisy_student.pipeline.manifest import Stored
from noisy_student.pipeline.node import declared_by


class Step(Protocol):
    """A node that is planned, or a result that was made."""

    @property
    def stage(self) -> str:
        """Its stage."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its settings."""

    @property
    def inputs(self) -> Mapping[str, Sequence[Step]]:
        """The steps that it reads, by role."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A result of the store as a step; inputs that are gone are left out."""

    stage: str
    spec: Mapping[str, Any] = field(repr=False)
    inputs: Mapping[str, Sequence[Made]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Observation:
    """A step that was done: what it said and took; ``cpu_seconds`` is None for what older versions made."""

    step: Step
    summary: Mapping[str, Any]
    seconds: float
    cpu_seconds: float | None
    imported: bool
    """Whether its process had run the stage before, so that no library was left to import."""
    host: str | None
    rehearsed: bool
    """Whether a calibration made it, from few questions and with students of few steps."""


def observations(found: Mapping[str, Stored], *, rehearsed: bool = False) -> list[Observation]:
    """Every result that was done, of a store or of a calibration."""
    made: dict[str, Made] = {}
    return [
        Observation(
            step=_made(result.key, found, made),
            summary=result.summary,
            seconds=float(result.provenance["seconds"]),
            cpu_seconds=result.provenance.get("cpu_seconds"),
            imported=bool(result.provenance.get("imported", True)),
            host=result.provenance.get("host"),
            rehearsed=rehearsed,
        )
        for result in found.values()
        if result.outcome == "done" and "seconds" in result.provenance
    ]


def lane(step: Step) -> str:
    """What makes the cost of two steps comparable: stage, and where a model computes its files, engine and threads."""
    how = step.spec.get("sft") or step.spec.get("grpo") or step.spec
    engine = step.spec.get("engine")
    facts = {
        "stage": step.stage,
        "model": base_of(step) if _computes(step) else None,
        "engine": engine["name"] if engine else None,
        "threads": how.get("threads"),
        "lora": step.spec.get("lora"),
    }
    return identity.canonical(facts)


def trainer(step: Step) -> Step | None:
    """The training whose student a step samples; None for the untrained model, and where it is gone."""
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
    """The model that a step starts from, as keys know it."""
    train = trainer(step)
    return (step if train is None else train).spec.get("model")


def _computes(step: Step) -> bool:
    return step.stage == "sample" or step.stage.startswith("train-")


def _made(key: str, found: Mapping[str, Stored], made: dict[str, Made]) -> Made:
    if key not in made:
        facts = found[key].facts
        inputs = {
            role: [_made(parent, found, made) for parent in parents if parent in found]
            for role, parents in facts["inputs"].items()
        }
        made[key] = Made(facts["stage"], facts["spec"], inputs)
    return made[key]
