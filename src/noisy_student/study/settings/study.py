"""All that a run is asked to do, resolved: protocol, then study, then scale, then ``--set``, the later one wins.

A study says what is asked, a scale where it runs, a protocol how it is done; each is a TOML file with some of the
fields below, so that a run is described by one ``Settings`` and every field can be overridden by its dotted name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from noisy_student.data.spec import DataSpec
from noisy_student.errors import UserError, nearest
from noisy_student.labeling.stopping import Ties
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.records import Verdict
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import reads_adapters, require_selectable
from noisy_student.strict import Frozen, Name
from noisy_student.study.settings.checks import (
    check_after,
    check_chain,
    check_foreign,
    check_graded,
    check_noise,
    check_reveal,
    check_shuffle,
    check_target,
)
from noisy_student.study.settings.conditions import (
    ConditionSettings,
    LabelSettings,
    ModelSettings,
    check_agreement,
    check_grpo,
    check_size_match,
    check_stopping,
)
from noisy_student.study.settings.decisions import Decision, check_names
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec

MOST_TEST = 100
"""Test questions that the checks may read: enough to see a memorised training split, too few to choose anything by."""


class CheckSettings(Frozen):
    """Sizes of the pre-flight checks; none of them enters the key of anything that a study trains or samples."""

    only: bool = False
    """Whether the checks are all that is done."""
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
    rehearse: bool = True
    """Whether one step of each way of training is really taken, with the longest prompt and answer."""


MOST = 256
"""Conditions, sets of labels, findings or seeds of one study: more is a mistake, and would be planned for minutes."""


class AnswerSettings(Frozen):
    """How samples become answers and answers a vote."""

    truncated: Literal["abstain", "last-number"] = "abstain"
    """What a sample that hit the cap counts as."""
    ties: Ties = "none"


class EvaluationSettings(Frozen):
    """How a condition is tested."""

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


class PairSettings(Frozen):
    """Two conditions, the first minus the second."""

    a: Name
    b: Name


class ContrastSettings(Frozen):
    """A comparison named before the run: a − b, and the difference that would matter."""

    a: Name
    b: Name
    beyond: PairSettings | None = None
    """Another pair, whose difference is taken away from that of a and b."""
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    expected: Verdict | None = None
    """The verdict that somebody expects; "no-difference" is a test of equivalence. None leaves the question open."""
    source: str = ""
    """Who expects it, and in which words."""

    @property
    def sides(self) -> tuple[Name, ...]:
        """All conditions that it looks at."""
        return (self.a, self.b) if self.beyond is None else (self.a, self.b, self.beyond.a, self.beyond.b)

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if self.expected == "undecided":
            raise UserError(
                f'{self.a} against {self.b} is expected to be "undecided".',
                why="That no test can show.",
                do='Say "helps", "hurts" or "no-difference", or leave expected out.',
            )
        return self


class PredictionSettings(Frozen):
    """What somebody expected of a condition's pseudo-labels before the run: a share above or below a bound."""

    condition: Name
    measure: Literal["coverage", "precision"]
    """Of the questions voted on those selected; of those selected the right ones."""
    above: Annotated[float, Field(ge=0, lt=1)] | None = None
    below: Annotated[float, Field(gt=0, le=1)] | None = None
    source: str = ""
    """Who expected it, and in which words."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise UserError(
                f"A prediction of {self.measure} says above {self.above} and below {self.below}.",
                why="It is one bound that can fail.",
                do="Set exactly one of above and below.",
            )
        return self


class ComputeSettings(Frozen):
    """How the work is cut up; threads, chunk and width change floating-point results, workers does not."""

    threads: Annotated[int, Field(ge=1)] = 1
    chunk: Annotated[int, Field(ge=1)] = 512
    """Samples drawn in one call of the engine: 64 questions of 8, or 512 of one."""
    width: Annotated[int, Field(ge=8)] = 512
    """Samples drawn at once: where a chunk holds more, those that end are replaced. 8 is the narrowest that pays."""
    block: Annotated[int, Field(ge=1)] = 512
    """Questions that one node samples."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Processes that compute at once."""
    engine: str = "torch"
    """Name of a row of ENGINES (docs/engines.md); ``auto`` is vllm where installed and every student a whole model."""
    usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    """What an hour of all of this costs; read by ``plan`` and ``--budget``, never part of a key."""

    @field_validator("engine")
    @classmethod
    def _engine_exists(cls, name: str) -> str:
        require_selectable(name)
        return name


class Settings(Frozen):
    """A run, resolved."""

    name: Name
    scale: Name
    protocol: Name
    question: str
    note: str = ""
    """What a reader of the results must know of this study or scale; printed with plan and results."""
    data: DataSpec = DataSpec()
    model: ModelSpec
    models: Mapping[Name, ModelSettings] = Field(default_factory=dict)
    """More models, from which a condition may start by name."""
    prompt: PromptSpec = PromptSpec()
    sampling: Decoding = Decoding()
    """How the teacher samples for votes."""
    filters: Literal["stated", "model"] = "stated"
    """Whether top-k, top-p, min-p and repetition penalty are as stated, or as the model's generation config says."""
    answers: AnswerSettings = AnswerSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    sft: SftSpec = SftSpec()
    grpo: GrpoSpec = GrpoSpec()
    health: HealthSpec = HealthSpec()
    match: Literal["epochs", "steps"] = "epochs"
    """What two conditions have in common: passes over their own examples, or optimiser steps."""
    teacher: Name = "baseline"
    labels: Mapping[Name, LabelSettings] = Field(default_factory=dict)
    conditions: Mapping[Name, ConditionSettings]
    primary: Mapping[Name, ContrastSettings] = Field(default_factory=dict)
    predictions: Mapping[Name, PredictionSettings] = Field(default_factory=dict)
    decide: tuple[Decision, ...] = ()
    """What comes next: rows of a condition and a study, of which the first that holds is taken."""
    reference: Name = "baseline"
    """The condition that every other one is set against in the exploratory findings."""
    ceiling: Name = "oracle"
    """The condition that ends the gap which begins at the reference; each student recovers a share of it."""
    compute: ComputeSettings = ComputeSettings()
    preflight: bool = False
    """Whether everything else waits for the pre-flight checks; where one fails it is not done (docs/preflight.md)."""
    checks: CheckSettings = CheckSettings()
    seeds: tuple[int, ...] = (1,)

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        for name in ("models", "conditions", "labels", "primary", "predictions", "seeds"):
            if isinstance(item := value.get(name), dict | list) and len(item) > MOST:
                raise UserError(
                    f'"{name}" has {len(item):,} entries.', why=f"A study has at most {MOST}.", do="Make several of it."
                )
        lists = ("seeds", "decide")
        return {name: tuple(item) if name in lists and isinstance(item, list) else item for name, item in value.items()}

    def _require_trainable(self) -> None:
        """Raise UserError for weights too coarse to be trained: small updates would round away, one by one."""
        trained = [name for name, condition in self.conditions.items() if condition.train]
        if trained and self.model.dtype != "float32":
            raise UserError(
                f"model.dtype is {self.model.dtype}, and {trained[0]} is to be trained.",
                why="In half precision an update of a millionth of a weight is lost in rounding.",
                do="--set model.dtype=float32, or leave out every condition that trains.",
            )

    @property
    def adapters(self) -> list[str]:
        """The conditions whose students stay adapters, which only the torch engine can put upon their base."""
        return [name for name, item in self.conditions.items() if item.lora is not None and not item.lora.merge]

    def _require_readable(self) -> None:
        """Raise UserError for students that the engine could not draw from, before hours of training."""
        apart = self.adapters
        if apart and not reads_adapters(self.compute.engine):
            raise UserError(
                f"conditions.{apart[0]} is to be an adapter, and compute.engine is {self.compute.engine}.",
                why="That engine reads whole models.",
                do=f"Set conditions.{apart[0]}.lora.merge = true, or compute.engine = torch.",
            )

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if not self.conditions:
            raise UserError(
                "This study has no conditions.",
                why="Without them there is nothing to compare.",
                do='Write at least one: [conditions] and baseline = { train = ["gold"] }.',
            )
        if self.checks.only and not self.preflight:
            raise UserError(
                "checks.only is true and preflight is false.",
                why="Nothing would be done.",
                do="Set preflight = true, or checks.only = false.",
            )
        self._require_trainable()
        self._require_readable()
        for name, condition in self.conditions.items():
            grpo = check_grpo(name, condition, self.grpo)
            check_noise(name, condition, self.data, self.sft)
            check_shuffle(name, condition, grpo)
            for label in condition.label_names:
                _known(label, self.labels, f"conditions.{name}.train")
                if condition.method == "grpo" and grpo.weigh_agreement:
                    check_agreement(name, label, self.labels[label])
            if condition.model is not None:
                _known(condition.model, self.models, f"conditions.{name}.model")
            for other in (condition.like, condition.control_of, condition.after):
                if other is not None:
                    _known(other, self.conditions, f"conditions.{name}")
            if condition.like is not None:
                check_size_match(name, condition, self.conditions[condition.like])
            check_target(name, condition, self.labels)
            check_reveal(name, condition)
            for label in condition.label_names:
                check_stopping(name, condition, label, self.labels[label])
        check_names(
            self.decide,
            {"findings": list(self.primary), "conditions": list(self.conditions), "labels": list(self.labels)},
        )
        for name in self.conditions:
            check_after(name, self.conditions)
            check_chain(name, self.conditions)
        if self.data.foreign is None:
            check_foreign(self.conditions, self.labels)
        for name, label_settings in self.labels.items():
            _known(label_settings.teacher or self.teacher, self.conditions, f"the teacher of labels.{name}")
        for name, contrast in self.primary.items():
            for side in contrast.sides:
                _known(side, self.conditions, f"primary.{name}")
        check_graded({name: contrast.sides for name, contrast in self.primary.items()}, self.conditions)
        for name, prediction in self.predictions.items():
            _known(prediction.condition, self.conditions, f"predictions.{name}")
            if len(self.conditions[prediction.condition].label_names) != 1:
                raise UserError(
                    f'predictions.{name} is of "{prediction.condition}", which has not one set of pseudo-labels.',
                    why="Coverage and precision are those of one set.",
                    do="Name a condition that learns from one.",
                )
        if len(set(self.seeds)) != len(self.seeds) or not self.seeds:
            raise UserError(f"The seeds {list(self.seeds)} repeat or are none.", do="Give each seed once: 1,2,3.")
        return self


def _known(name: str, known: Mapping[str, object], where: str) -> None:
    if name not in known:
        raise UserError(f'{where} names "{name}", which this study does not have.', do=nearest(name, known))
