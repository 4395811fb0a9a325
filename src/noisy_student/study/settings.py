"""All that a run is asked to do, resolved: protocol, then study, then scale, then ``--set``, the later one wins.

A study says what is asked, a scale where it runs, a protocol how it is done; each is a TOML file with some of the
fields below, so that a run is described by one ``Settings`` and every field can be overridden by its dotted name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from noisy_student.data.spec import DataSpec
from noisy_student.errors import UserError, nearest
from noisy_student.labeling.select import Selection
from noisy_student.labeling.texts import Choice
from noisy_student.labeling.vote import Ties
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.sampling.engine import Decoding
from noisy_student.training.spec import SftSpec

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
GOLD, REVEALED, LABELS = "gold", "revealed", "labels."
MOST = 256
"""Conditions, sets of labels, findings or seeds of one study: more is a mistake, and would be planned for minutes."""


class Frozen(BaseModel):
    """Settings that cannot change and take no unknown field."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


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


class LabelSettings(Frozen):
    """One set of pseudo-labels; fields left out are those of the run."""

    teacher: Name | None = None
    """The condition whose model samples; None is the run's ``teacher``."""
    rule: Literal["vote", "random-sample"] = "vote"
    """``random-sample`` takes one own sample per question and no vote."""
    K: Annotated[int, Field(ge=1, le=256)] = 8
    text: Choice = "first"
    """Which of the samples that reach the winner becomes the solution."""


class ConditionSettings(Frozen):
    """One row of the table: what a student is trained on and how."""

    method: Literal["none", "sft"] = "sft"
    train: tuple[str, ...] = ()
    """``gold``, ``revealed``, or ``labels.NAME``."""
    select: Mapping[str, Any] = Field(default_factory=lambda: {"all": True})
    """Which votes are learned from: ``all``, ``min_agreement``, ``count``, or ``random_like`` another condition."""
    target: Literal["solution", "own-sample"] = "solution"
    """For revealed labels: the key's worked text, or an own sample that reaches the key's answer."""
    match: Literal["epochs", "steps"] | None = None
    """None is the run's; ``steps`` trains as long as all labeled and unlabeled questions would."""
    control_of: Name | None = None
    """The condition that this one is the control of."""

    @model_validator(mode="before")
    @classmethod
    def _tuple(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("train"), list):
            return {**value, "train": tuple(value["train"])}
        return value

    @property
    def random_like(self) -> str | None:
        """The condition whose number of labels is drawn at random here."""
        name = self.select.get("random_like")
        return name if isinstance(name, str) else None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The sets of pseudo-labels that it learns from."""
        return tuple(name.removeprefix(LABELS) for name in self.train if name.startswith(LABELS))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.method == "none") != (not self.train):
            raise ValueError('method = "none" goes with an empty train list, and only it')
        for name in self.train:
            if name not in (GOLD, REVEALED) and not name.startswith(LABELS):
                raise UserError(
                    f'"{name}" is nothing to train on.',
                    why='A condition learns from "gold", "revealed" or "labels.NAME".',
                    do=nearest(name, [GOLD, REVEALED, f"{LABELS}votes"]),
                )
        if len(set(self.train)) != len(self.train):
            raise UserError(f"The train list {list(self.train)} names something twice.", do="Name each once.")
        _check_selection(self.select)
        return self


class ContrastSettings(Frozen):
    """A comparison named before the run: a − b, and the difference that would matter."""

    a: Name
    b: Name
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02


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
    usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    """What an hour of all of this costs; read by ``plan`` and ``--budget``, never part of a key."""


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
    prompt: PromptSpec = PromptSpec()
    sampling: Decoding = Decoding()
    """How the teacher samples for votes."""
    filters: Literal["stated", "model"] = "stated"
    """Whether top-k, top-p, min-p and repetition penalty are as stated, or as the model's generation config says."""
    answers: AnswerSettings = AnswerSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    sft: SftSpec = SftSpec()
    match: Literal["epochs", "steps"] = "epochs"
    """What two conditions have in common: passes over their own examples, or optimiser steps."""
    teacher: Name = "baseline"
    labels: Mapping[Name, LabelSettings] = Field(default_factory=dict)
    conditions: Mapping[Name, ConditionSettings]
    primary: Mapping[Name, ContrastSettings] = Field(default_factory=dict)
    reference: Name = "baseline"
    """The condition that every other one is set against in the exploratory findings."""
    ceiling: Name = "oracle"
    """The condition that ends the gap which begins at the reference; each student recovers a share of it."""
    compute: ComputeSettings = ComputeSettings()
    seeds: tuple[int, ...] = (1,)

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        for name in ("conditions", "labels", "primary", "seeds"):
            if isinstance(item := value.get(name), dict | list) and len(item) > MOST:
                raise UserError(
                    f'"{name}" has {len(item):,} entries.', why=f"A study has at most {MOST}.", do="Make several of it."
                )
        lists = ("seeds",)
        return {name: tuple(item) if name in lists and isinstance(item, list) else item for name, item in value.items()}

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if not self.conditions:
            raise UserError(
                "This study has no conditions.",
                why="Without them there is nothing to compare.",
                do='Write at least one: [conditions] and baseline = { train = ["gold"] }.',
            )
        for name, condition in self.conditions.items():
            for label in condition.label_names:
                _known(label, self.labels, f"conditions.{name}.train")
            for other in (condition.random_like, condition.control_of):
                if other is not None:
                    _known(other, self.conditions, f"conditions.{name}")
            if condition.random_like is not None:
                _check_size_match(name, condition, self.conditions[condition.random_like])
        for name, label_settings in self.labels.items():
            _known(label_settings.teacher or self.teacher, self.conditions, f"the teacher of labels.{name}")
        for name, contrast in self.primary.items():
            for side in (contrast.a, contrast.b):
                _known(side, self.conditions, f"primary.{name}")
        if len(set(self.seeds)) != len(self.seeds) or not self.seeds:
            raise UserError(f"The seeds {list(self.seeds)} repeat or are none.", do="Give each seed once: 1,2,3.")
        return self


def _known(name: str, known: Mapping[str, object], where: str) -> None:
    if name not in known:
        raise UserError(f'{where} names "{name}", which this study does not have.', do=nearest(name, known))


def _check_selection(select: Mapping[str, Any]) -> None:
    """Raise UserError unless ``select`` is one rule that is known."""
    rules = [*Selection.model_fields, "random_like"]
    for name in select:
        if name not in rules:
            raise UserError(f'There is no selection "{name}".', do=nearest(name, rules))
    if "random_like" not in select:
        try:
            Selection(**select)
        except ValidationError as error:
            fault = error.errors()[0]
            raise UserError(f"select.{fault['loc'][0]} is {fault['input']!r}: {fault['msg']}.") from error
    elif len(select) > 1 or not isinstance(select["random_like"], str):
        raise UserError(
            f"select is {dict(select)}.", why="random_like stands alone.", do='Write { random_like = "CONDITION" }.'
        )


def _check_size_match(name: str, condition: ConditionSettings, other: ConditionSettings) -> None:
    if other.random_like is not None or not set(condition.label_names) <= set(other.label_names):
        raise UserError(
            f'conditions.{name} is as large as "{condition.random_like}", which selects none of its labels itself.',
            why="Its number of labels is that which the other condition selects from the same votes.",
            do="Name a condition with a rule of its own that learns from the same labels.",
        )
