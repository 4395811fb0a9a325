"""All settings of a run, resolved: protocol, then study, then scale, then ``--set``; the later one wins.

A study states the question, a scale the sizes and the model, a protocol the procedure; each is a TOML file with some
of the fields below, and every field can be overridden by its dotted name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator, model_validator

from noisy_student.data.parts import sizes_of
from noisy_student.data.spec import DataSpec
from noisy_student.errors import UserError
from noisy_student.labeling.stopping import Ties
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.pipeline.node import STAGES, declared
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import require_selectable
from noisy_student.strict import Name, Strict
from noisy_student.study.settings.comparisons import ContrastSettings, PredictionSettings
from noisy_student.study.settings.conditions import (
    Condition,
    ConditionSettings,
    ModelSettings,
    TrainedCondition,
    overridden,
)
from noisy_student.study.settings.decisions import Decision
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.methods import METHODS, condition_class
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec

MOST_TEST = 100
"""Test questions that the checks may read: enough to see a memorised training split, too few to choose anything by."""


class CheckSettings(Strict):
    """Sizes of the pre-flight checks; none of them enters the key of anything that a study trains or samples."""

    only: bool = False
    """Run the checks only."""
    questions: Annotated[int, Field(ge=8)] = 100
    """Answered questions that no student is trained on: dev, topped up by spare ones. The plan has 100."""
    test_questions: Annotated[int, Field(ge=0, le=MOST_TEST)] = 100
    """Test questions whose accuracy is held against that of the training file; 0 leaves that check out."""
    completions: Annotated[int, Field(ge=0)] = 50
    """Questions of which the model is shown the first half, to see whether it knows the second; 0 leaves it out."""
    speed_rows: Annotated[int, Field(ge=2)] = 8
    """Prompts that are answered together and one at a time."""
    speed_tokens: Annotated[int, Field(ge=1)] = 32
    """Tokens of each of these answers at most."""
    model_named: bool = True
    """False where a lab model that nobody named would answer the user's own questions; filled in by the program."""
    anyway: bool = False
    """Run where the outlook of the user's own questions advises against it (``--anyway``)."""
    rehearse: bool = True
    """Measure the memory of one step of each training method, with the longest prompt and answer."""


MOST_ENTRIES = 256
"""Conditions, sets of labels, findings or seeds of one study: more is a mistake, and would be planned for minutes."""


class AnswerSettings(Strict):
    """Reading of samples as answers, and of answers as a vote."""

    truncated: Literal["abstain", "last-number"] = "abstain"
    """The reading of a sample that hit the cap."""
    ties: Ties = "none"


class EvaluationSettings(Strict):
    """Decoding and sizes of a condition's tests."""

    decoding: Decoding = Decoding(temperature=0.0)
    """The decoding of the accuracy that is compared; temperature 0 is greedy."""
    sampled: Decoding = Decoding(temperature=0.7)
    """The decoding of the sampled accuracy."""
    sampled_k: Annotated[int, Field(ge=1)] = 4
    sampled_questions: Annotated[int, Field(ge=0)] = 64
    """Test questions that are also sampled; 0 leaves it out."""
    stop_questions: Annotated[int, Field(ge=0)] = 64
    """Test questions decoded without ``stop_at_answer``, to see whether answers end."""
    passes: Decoding = Decoding(temperature=1.0)
    """The decoding of pass@k."""
    passes_k: Annotated[int, Field(ge=2, le=256)] = 32
    passes_questions: Annotated[int, Field(ge=1)] = 300
    """Test questions that conditions with ``passes`` answer ``passes_k`` times."""


class ComputeSettings(Strict):
    """Division of the work; threads, chunk and width change floating-point results, workers does not."""

    threads: Annotated[int, Field(ge=1)] = 1
    chunk: Annotated[int, Field(ge=1)] = 512
    """Samples drawn in one call of the engine: 64 questions of 8, or 512 of one."""
    width: Annotated[int, Field(ge=8)] = 512
    """Samples drawn at once: where a chunk holds more, those that end are replaced. 8 is the narrowest that pays."""
    block: Annotated[int, Field(ge=1)] = 512
    """Questions that one node samples."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Processes that compute at once."""
    needs_gpu: bool = False
    """Refuse a run on a machine without an NVIDIA or AMD GPU, where this scale would take weeks."""
    engine: str = "torch"
    """Name of a row of ENGINES (docs/engines.md); ``auto`` is vllm where installed and every student a whole model."""
    usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    """The price of an hour of all of this; read by ``plan`` and ``--budget``, never part of a key."""

    @field_validator("engine")
    @classmethod
    def _engine_exists(cls, name: str) -> str:
        require_selectable(name)
        return name


def _by_method(fields: Any) -> Any:
    """Read a condition as the class of its method; raises UserError for an unknown one."""
    return fields if isinstance(fields, Condition) else condition_class(fields).model_validate(fields)


class Settings(Strict):
    """A run, resolved; ``files.check`` reads one and checks that its parts agree."""

    name: Name
    scale: Name
    protocol: Name
    question: str
    note: str = ""
    """A caveat of this study or scale for readers of its results; printed with plan and results."""
    data: DataSpec = DataSpec()
    model: ModelSpec
    models: Mapping[Name, ModelSettings] = Field(default_factory=dict)
    """More models, from which a condition may start by name."""
    prompt: PromptSpec = PromptSpec()
    sampling: Decoding = Decoding()
    """The teacher's decoding of samples for votes."""
    filters: Literal["stated", "model"] = "stated"
    """The source of top-k, top-p, min-p and repetition penalty: these settings or the model's generation config."""
    answers: AnswerSettings = AnswerSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    sft: SftSpec = SftSpec()
    grpo: GrpoSpec = GrpoSpec()
    health: HealthSpec = HealthSpec()
    match: Literal["epochs", "steps"] = "epochs"
    """The quantity that conditions share: passes over their own examples, or optimiser steps."""
    teacher: Name = "baseline"
    labels: Mapping[Name, LabelSettings] = Field(default_factory=dict)
    conditions: Mapping[Name, Annotated[SerializeAsAny[ConditionSettings], BeforeValidator(_by_method)]]
    primary: Mapping[Name, ContrastSettings] = Field(default_factory=dict)
    predictions: Mapping[Name, PredictionSettings] = Field(default_factory=dict)
    decide: tuple[Decision, ...] = ()
    """The next study: rows of a condition and a study, of which the first that holds is taken."""
    reference: Name = "baseline"
    """The condition that every other one is set against in the exploratory findings."""
    ceiling: Name = "oracle"
    """The condition that ends the gap which begins at the reference; each student recovers a share of it."""
    compute: ComputeSettings = ComputeSettings()
    preflight: bool = False
    """Run the pre-flight checks first; a failed check withholds the rest (docs/before-a-run.md)."""
    checks: CheckSettings = CheckSettings()
    measures: tuple[Name, ...] = ()
    """Stages that measure every condition's answers to its test, for the results (docs/extending.md)."""
    seeds: tuple[int, ...] = (1,)

    @field_validator("conditions")
    @classmethod
    def _has_conditions(cls, conditions: Mapping[str, ConditionSettings]) -> Mapping[str, ConditionSettings]:
        if not conditions:
            raise UserError(
                "This study has no conditions.",
                why="A study compares the students of its conditions.",
                do='Write at least one: [conditions] and baseline = { train = ["gold"] }.',
                code="no-conditions",
            )
        return conditions

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise UserError(
                f"seeds must be a non-empty list of different non-negative integers; got {list(seeds)}.",
                why="Each seed is one repetition of the study.",
                do="Write each seed once, such as seeds = [1, 2, 3].",
                code="seeds-invalid",
            )
        return seeds

    @field_validator("measures")
    @classmethod
    def _measures_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not declared(STAGES.get(name, "measures").module).measures:
                known = [each for each in STAGES if declared(STAGES.get(each).module).measures]
                raise UserError(
                    f'measures names the stage "{name}", which does not measure answers.',
                    do=f"Stages that do: {', '.join(known)}." if known else "Install a package that registers one.",
                    code="stage-measures-nothing",
                )
        return names

    @model_validator(mode="before")
    @classmethod
    def _has_few_entries(cls, value: Any) -> Any:
        for name in ("models", "conditions", "labels", "primary", "predictions", "seeds"):
            if isinstance(item := value.get(name), dict | list) and len(item) > MOST_ENTRIES:
                what = f'"{name}" has {len(item):,} entries.'
                raise UserError(
                    what, why=f"At most {MOST_ENTRIES} fit.", do="Split the study.", code="too-many-entries"
                )
        return value

    @model_validator(mode="before")
    @classmethod
    def _methods_exist(cls, value: Any) -> Any:
        # A condition alone does not know its name, which the message needs.
        if isinstance(conditions := value.get("conditions"), Mapping):
            for name, fields in conditions.items():
                condition_class(fields, f"conditions.{name}")
        return value

    def training_spec(self, condition: TrainedCondition, name: str = "NAME") -> Strict:
        """Return the settings of the condition's method with its overrides; messages call the condition ``name``.

        Raises UserError for overrides that are unknown or invalid.
        """
        row = METHODS.get(condition.method)
        assert row.spec is not None, "trained conditions have settings"
        table = getattr(self, condition.method, None)
        run: Strict = table if isinstance(table, row.spec) else row.spec()
        return overridden(run, condition.overrides, f"conditions.{name}.{condition.method}")

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of a run's first line, in the form of ``results.json``; ``labeled`` is without dev."""
        found = sizes_of(self.data)
        sizes = {"labeled": found.labeled - found.dev, "dev": found.dev, "unlabeled": found.unlabeled}
        sizes |= {"test": found.test, **({"foreign": found.foreign} if found.foreign else {})}
        labels = {name: {"K": item.K} for name, item in self.labels.items()}
        return {"model": self.model.id, "scale": self.scale, "data": {"sizes": sizes}, "settings": {"labels": labels}}

    @property
    def own_data(self) -> bool:
        """True if the questions are not the lab's generated ones."""
        return self.data.source.kind != "procedural"

    @property
    def adapters(self) -> list[str]:
        """The conditions whose students stay adapters, which only the torch engine can load onto their base."""
        return [name for name, item in self.conditions.items() if item.lora is not None and not item.lora.merge]
