"""Training methods: one row a method with its condition class, settings, stage and cost; rows import no torch.

Another package adds a method by ``METHODS.register(name, Method(...))`` when it is imported (``registry``). Its
condition class derives from ``TextCondition`` or ``LabelCondition``, with overrides in a field of the method's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from noisy_student.errors import UserError
from noisy_student.registry import Registry
from noisy_student.strict import Strict
from noisy_student.study.settings.conditions import (
    ConditionSettings,
    GrpoCondition,
    LabelCondition,
    LastCondition,
    SftCondition,
    TextCondition,
    UntrainedCondition,
)
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.sft import SftSpec

DEFAULT = "sft"
"""The method of a condition that names none."""


@dataclass(frozen=True, slots=True)
class Work:
    """The amount of work in a training, from its settings before it runs and from its summary afterwards."""

    counted: tuple[str, ...]
    """Token counts of the stage's summary; each is taken to grow with ``visits``."""
    timed: tuple[str, ...]
    """The counts that its time grows with."""
    steps: Callable[[Mapping[str, Any], float | None], int | None]
    """Steps from the settings and the number of examples; None where that number decides and is unknown."""
    visits: Callable[[Mapping[str, Any], int, float], float]
    """Visits of examples, or sampled answers, from the settings, steps and examples."""
    alike: tuple[str, ...] = ()
    """Settings that past trainings should share to have as many tokens a visit."""


@dataclass(frozen=True, slots=True)
class Method:
    """One training method; ``stage``, ``spec`` and ``work`` are None for methods that train nothing."""

    condition: type[ConditionSettings]
    stage: str | None = None
    """Its training stage."""
    spec: type[Strict] | None = None
    """Its settings, which a study holds in the table of the method's name; registered methods take the defaults."""
    work: Work | None = None
    reported: tuple[str, ...] = ()
    """Counts of the stage's summary that the results show, beside those of every training."""
    measured_by: str | None = None
    """The stage that compares with the key the groups of answers which its training records."""

    def __post_init__(self) -> None:
        learns = issubclass(self.condition, TextCondition | LabelCondition)
        given = (self.stage is not None, self.spec is not None, self.work is not None)
        if given != (learns,) * 3:
            raise UserError(
                f"The method of {self.condition.__name__} has stage, spec and work: {', '.join(map(str, given))}.",
                why="A method that trains has all three, and a condition derived from TextCondition or LabelCondition.",
                do="Give the missing ones (docs/extending.md).",
                code="plugin-row-invalid",
            )

    @property
    def reads_texts(self) -> bool:
        """True if students learn from worked texts."""
        return issubclass(self.condition, TextCondition)

    @property
    def samples(self) -> bool:
        """True if students sample answers while they learn."""
        return issubclass(self.condition, LabelCondition)


RESERVED = frozenset({
    "answers", "ceiling", "checks", "compute", "conditions", "data", "decide", "evaluation", "filters", "health",
    "labels", "lora", "match", "measures", "model", "models", "name", "note", "plugin", "predictions", "preflight",
    "primary", "prompt", "protocol", "question", "reference", "reward", "sampling", "scale", "seeds", "shuffle",
    "teacher", "view", "width",
})  # fmt: skip
"""Names of no method: other fields of a study, and of a training's spec (``study/plan/specs.py``), have them."""


def _check(name: str, row: Method, others: Mapping[str, Method]) -> None:
    if name in RESERVED:
        raise UserError(
            f'A method is called "{name}".',
            why="A study or the spec of a training has another field of that name.",
            do="Rename the method.",
            code="plugin-name-reserved",
        )
    if same := [other for other, each in others.items() if row.stage is not None and each.stage == row.stage]:
        raise UserError(
            f'The methods "{same[0]}" and "{name}" both have the stage "{row.stage}".',
            why="The stage of a stored training says which method made it.",
            do="Register a stage of its own for the new method.",
            code="method-stage-taken",
        )


METHODS: Registry[Method] = Registry("method", Method, group="noisy_student.methods", check=_check)


def condition_class(fields: Any, where: str = "conditions.NAME") -> type[ConditionSettings]:
    """Return the class that reads a condition of these fields; raises UserError for an unknown method.

    Messages call the condition ``where``.
    """
    method = fields.get("method", DEFAULT) if isinstance(fields, Mapping) else DEFAULT
    return METHODS.get(method if isinstance(method, str) else repr(method), f"{where}.method").condition


def of_stage(stage: str) -> tuple[str, Method] | None:
    """Return the method that trains in ``stage``, with its name; None for stages that train nothing."""
    return next(((name, row) for name in METHODS if (row := METHODS.get(name)).stage == stage), None)


def _sft_steps(spec: Mapping[str, Any], examples: float | None) -> int | None:
    if spec.get("steps"):
        return int(spec["steps"])
    return None if examples is None else math.ceil(examples * spec["epochs"] / spec["batch"])


def _grpo_steps(spec: Mapping[str, Any], examples: float | None) -> int | None:
    return None if examples is None else GrpoSpec.model_validate(spec).step_count(round(examples))


METHODS.register("none", Method(UntrainedCondition))
METHODS.register("last", Method(LastCondition))
METHODS.register(
    "sft",
    Method(
        SftCondition,
        stage="train-sft",
        spec=SftSpec,
        work=Work(
            ("read_tokens", "trained_tokens"),
            ("read_tokens",),
            steps=_sft_steps,
            visits=lambda spec, steps, examples: float(
                steps * spec["batch"] if spec.get("steps") else examples * spec["epochs"]
            ),
        ),
    ),
)
METHODS.register(
    "grpo",
    Method(
        GrpoCondition,
        stage="train-grpo",
        spec=GrpoSpec,
        work=Work(
            ("prompt_tokens", "sampled_tokens", "trained_tokens", "read_tokens", "scored_tokens"),
            ("sampled_tokens",),
            steps=_grpo_steps,
            visits=lambda spec, steps, examples: float(steps * spec["prompts"] * spec["generations"]),
            alike=("max_new_tokens",),
        ),
        reported=("gold_episodes", "pseudo_episodes", "revealed_episodes", "groups", "reward_bits"),
        measured_by="group-quality",
    ),
)
