"""Observations of finished steps, from which forecasts are made: their inputs, summaries and times.

They come from the manifests of a store, whichever run made them, and of a timing of this machine. A step has a stage,
settings and inputs only, so that stored results and planned nodes are compared in the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from noisy_student import identity
from noisy_student.data.parts import sizes_of
from noisy_student.data.spec import DataSpec
from noisy_student.documents import Count, Document, fitted, shape
from noisy_student.errors import UserError
from noisy_student.pipeline.manifest import Stored
from noisy_student.pipeline.node import Node, declared_by
from noisy_student.study.settings.methods import of_stage

_LOG = logging.getLogger(__name__)


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


Block = Annotated[list[Count], Field(min_length=2, max_length=2)]


SPECS = {
    "sample": shape(
        Document,
        {
            "engine": shape(Document, {"name": str}),
            "block": Block,
            "part": str,
            "shard": shape(Document, {"first": Count, "end": Count}),
        },
        decoding=dict[str, Any],
    ),
    "vote": shape(Document, {"K": Annotated[int, Field(ge=1, le=10_000)]}),
}
SUMMARIES = {
    "sample": shape(Document, dict.fromkeys(("samples", "tokens", "prompt_tokens"), Count), parameters=Count),
    # A level has a number of votes and of questions.
    "vote": shape(Document, {"questions": Count, "labeled": Count, "levels": list[Block]}),
    "reveal": shape(Document, {"questions": Count}),
}
"""Shapes by stage, of what forecasts read; an older version may have written other fields."""


def observations(
    found: Mapping[str, Stored], *, from_timing: bool = False, left_out: Callable[[str], None] = _LOG.warning
) -> list[Observation]:
    """Return an observation of every timed result that is done.

    ``left_out`` receives a line for each result of another form, which an older version may have written.
    """
    fitting: dict[str, Stored] = {}
    for key, result in found.items():
        try:
            _require_form(result)
        except (UserError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            left_out(f"{result.name} is left out of forecasts: {getattr(error, 'what', error)}")
        else:
            fitting[key] = result
    made: dict[str, Made] = {}
    return [
        Observation(
            step=_made(result.key, fitting, made),
            summary=result.summary,
            seconds=float(result.provenance["seconds"]),
            cpu_seconds=result.provenance.get("cpu_seconds"),
            imported=result.provenance.get("imported") is not False,
            host=result.provenance.get("host"),
            from_timing=from_timing,
        )
        for result in fitting.values()
        if result.outcome == "done" and result.provenance.get("seconds") is not None
    ]


def _require_form(result: Stored) -> None:
    """Raise an error for a result that forecasts cannot read."""
    spec, summary = result.facts["spec"], result.summary
    fitted(spec, SPECS.get(result.stage, Document), place="its spec")
    if "data" in spec:
        sizes_of(DataSpec.model_validate(spec["data"]))
    method = of_stage(result.stage)
    if result.outcome == "done":
        fitted(summary, SUMMARIES.get(result.stage, Document), place="its summary")
    if method is None or method[1].work is None:
        return
    name, work = method[0], method[1].work
    counted = {field: summary[field] for field in (*work.counted, "steps", "parameters") if field in summary}
    if wrong := [field for field, value in counted.items() if not (type(value) is int and value >= 0)]:
        raise ValueError(f"its {wrong[0]} is {counted[wrong[0]]!r}")
    if missing := [field for field in work.alike if field not in spec[name]]:
        raise ValueError(f'its spec has no "{name}.{missing[0]}"')
    if result.outcome == "done":
        work.visits(spec[name], summary["steps"], summary.get("examples", 0))


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
