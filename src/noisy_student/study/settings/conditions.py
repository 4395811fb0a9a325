"""Conditions of a study: one class a training method, each with the fields that apply to it and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, TypeVar

from pydantic import Field, ValidationError, model_validator

from noisy_student.errors import UserError, require_known
from noisy_student.labeling.select import SELECTIONS, selection
from noisy_student.strict import Distinct, Name, Strict, first_fault
from noisy_student.training.specs.lora import LoraSpec

Spec = TypeVar("Spec", bound=Strict)
GOLD, REVEALED, LABELS = "gold", "revealed", "labels."
LIKE = ("random_like", "agreed_like")
"""Selections that take their number from another condition."""
TARGET = "target_precision"
"""The selection whose threshold is found on dev."""


def overridden(run: Spec, overrides: Mapping[str, Any], where: str) -> Spec:
    """Return the run's settings of a method with a condition's overrides, which messages call ``where``.

    Raises UserError for unknown fields and invalid values.
    """
    try:
        return type(run).model_validate({**run.model_dump(), **overrides}, context=where) if overrides else run
    except ValidationError as error:
        raise first_fault(error, where) from error


class AcceptSettings(Strict):
    """Acceptance of a round's student: held against the round before, on dev (``evaluation/review.py``)."""

    against: Name
    """The condition before it."""
    rounds: Annotated[int, Field(ge=1)] = 1
    """The number of rounds over which the error is charged."""
    error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of runs in which a student that is no worse may be rejected for being worse."""
    K: Annotated[int, Field(ge=2, le=256)] = 8
    """Samples of its vote on dev, for the alarms."""
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The selection whose coverage and precision are watched."""


class ModelSettings(Strict):
    """One more model of a study; fields left out are those of the run."""

    id: Annotated[str, Field(min_length=1)]
    """A lab model, a hub id, a folder with safetensors, or a GGUF file."""
    revision: str | None = None
    thinking: Literal["template", "off"] | None = None
    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    """The cap of all its answers: a model that thinks needs more of them."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Of its fine-tuning: larger models want a lower one."""


class Condition(Strict):
    """The fields that conditions of every method have."""

    method: str
    model: Name | None = None
    """The model of ``models`` that it starts from; None is the run's."""
    graded_on: Literal["test", "dev"] = "test"
    """The part on which it is tested: dev for intermediate students only."""
    passes: bool = False
    """It answers test questions many times over, for pass@k."""
    control_of: Name | None = None
    """The condition that this one is the control of."""


class _WithoutTraining(Condition):
    """Neutral values of the fields that only trained conditions have, so that readers need no case of their own."""

    train: ClassVar[tuple[str, ...]] = ()
    label_names: ClassVar[tuple[str, ...]] = ()
    start: ClassVar[Name | None] = None
    accept: ClassVar[AcceptSettings | None] = None
    lora: ClassVar[LoraSpec | None] = None
    select: ClassVar[Mapping[str, Any]] = {}
    rates: ClassVar[tuple[float, ...]] = ()
    accuracy: ClassVar[float | None] = None
    like: ClassVar[str | None] = None
    overrides: ClassVar[Mapping[str, Any]] = {}


class UntrainedCondition(_WithoutTraining):
    """The model as it is."""

    method: Literal["none"] = "none"
    last_of: ClassVar[tuple[Name, ...]] = ()


class LastCondition(_WithoutTraining):
    """The last student of a chain that was accepted."""

    method: Literal["last"] = "last"
    last_of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The chain, whose first student is never rejected."""


class TrainedCondition(Condition):
    """A student of its own training, whatever the method.

    Overrides of the run's settings stand in a field of the method's name, such as ``sft`` or ``grpo``; a dash is an
    underscore there.
    """

    last_of: ClassVar[tuple[Name, ...]] = ()
    start: Name | None = None
    """The condition whose student it goes on from; None starts afresh from the model."""
    accept: AcceptSettings | None = None
    """The rule by which its student may teach, be gone on from, or be the last of a chain; None is always."""
    train: Annotated[Distinct[tuple[str, ...]], Field(min_length=1)]
    """``gold``, ``revealed``, or ``labels.NAME``."""
    select: Mapping[str, Any] = Field(default_factory=lambda: {"all": True})
    """The votes that are learned from: ``all``, ``min_agreement``, ``count``, or as many as another condition keeps:
    the most agreed (``agreed_like``), or any (``random_like``); or those that are right with ``target_precision``, as
    dev shows."""
    target: Literal["solution", "own-sample"] = "solution"
    """For revealed labels: the key's worked text, or an own sample that reaches the key's answer."""
    reveal: Literal["unlabeled", "foreign"] = "unlabeled"
    """The questions whose labels ``revealed`` are."""
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    """For own samples of revealed labels: the share of them that is right; the others reach the model's most common
    wrong answer. None takes right ones only, of all questions that have one."""
    match: Literal["epochs", "steps"] | None = None
    """None is the run's; ``steps`` trains as long as all labeled and unlabeled questions would."""
    lora: LoraSpec | None = None
    """A low-rank adapter that is trained in place of all weights."""
    rates: Distinct[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]] = ()
    """Factors of its learning rate that are tried; the student that is best on dev is tested, and no other."""

    @property
    def like(self) -> str | None:
        """The condition whose number of labels this one takes."""
        return next((self.select[rule] for rule in LIKE if rule in self.select), None)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The sets of pseudo-labels that it learns from."""
        return tuple(name.removeprefix(LABELS) for name in self.train if name.startswith(LABELS))

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The fields of its method's settings that differ from the run's."""
        own: Mapping[str, Any] = getattr(self, self.method.replace("-", "_"), {})
        return own

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.accuracy is not None and (self.target != "own-sample" or REVEALED not in self.train):
            raise UserError(
                f"accuracy is {self.accuracy:g}, but the condition does not learn from revealed own samples.",
                why="Only labels whose truth is known can be made wrong on purpose.",
                do='Set train = ["revealed"] and target = "own-sample", or leave accuracy out.',
                code="field-without-effect",
            )
        for name in self.train:
            if not name.startswith(LABELS):
                known = (GOLD, REVEALED, f"{LABELS}NAME")
                require_known(name, known, f'Unknown training source "{name}".', code="unknown-training-source")
        if len(self.rates) == 1:
            raise UserError(
                f"rates has one factor, {self.rates[0]:g}.",
                why="Each factor gives a student, and the best of them on dev is kept.",
                do="Add a factor, or leave rates out.",
                code="rates-invalid",
            )
        _check_selection(self.select)
        return self


class TextCondition(TrainedCondition):
    """A student that learns from worked texts; its training reads a node of examples."""

    view: Literal["paraphrase"] | None = None
    """Another wording in which the student reads each question, whatever its teacher read; needs ``data.views``."""
    shuffle: Literal["rationale"] | None = None
    """A control of the reasoning: each text gets another question's reasoning before its own answer; gold stays."""


class LabelCondition(TrainedCondition):
    """A student that samples its own answers and learns from labels alone."""

    shuffle: Literal["labels"] | None = None
    """A control of the labels: each question gets another one's label of the same origin; gold stays."""
    after: Name | None = None
    """The probe before this one: it is trained only where that one and those before it failed their criteria."""


class SftCondition(TextCondition):
    """Supervised fine-tuning."""

    method: Literal["sft"] = "sft"
    sft: Mapping[str, Any] = Field(default_factory=dict)
    """Overrides of the run's ``sft``, such as ``dropout = 0.1``."""


class GrpoCondition(LabelCondition):
    """Reinforcement learning by GRPO."""

    method: Literal["grpo"] = "grpo"
    grpo: Mapping[str, Any] = Field(default_factory=dict)
    """Overrides of the run's ``grpo``, such as ``refill = 2``."""


ConditionSettings: TypeAlias = UntrainedCondition | LastCondition | TrainedCondition
"""A condition of any method, registered ones included: they derive from ``TextCondition`` or ``LabelCondition``."""


def _check_selection(select: Mapping[str, Any]) -> None:
    """Raise UserError unless ``select`` is one known rule with a value that it takes."""
    rules = [*SELECTIONS, *LIKE, TARGET]
    for name in select:
        require_known(name, rules, f'There is no selection "{name}".', code="unknown-selection")
    special = next((rule for rule in (TARGET, *LIKE) if rule in select), None)
    if special is None:
        selection(select)
        return
    value = select[special]
    takes = isinstance(value, float) and 0 < value < 1 if special == TARGET else isinstance(value, str)
    if len(select) > 1 or not takes:
        raise UserError(
            f"select is {dict(select)}.",
            why=f"{special} is used alone; its value is {'in (0, 1)' if special == TARGET else 'a condition'}.",
            do='Write one rule, such as { target_precision = 0.9 } or { random_like = "CONDITION" }.',
            code="selection-invalid",
        )
