"""What a study's conditions are: what a student learns from, and the sets of pseudo-labels that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from noisy_student.errors import UserError, nearest
from noisy_student.labeling.select import SELECTIONS, selection
from noisy_student.labeling.stopping import Stopping
from noisy_student.labeling.texts import Choice
from noisy_student.strict import Frozen, Name
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.lora import LoraSpec

Spec = TypeVar("Spec", bound=BaseModel)


def with_own(run: Spec, own: Mapping[str, Any], where: str) -> Spec:
    """The run's settings with the condition's own, which messages call ``where``.

    Raises UserError for what is no field of them, or no value of it.
    """
    if not own:
        return run
    fields = type(run).model_fields
    for field in own:
        if field not in fields:
            raise UserError(f'There is no field "{where}.{field}".', do=nearest(field, fields))
    try:
        return type(run).model_validate({**run.model_dump(), **own})
    except ValidationError as error:
        fault = error.errors()[0]
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, UserError):
            raise cause from error
        place = ".".join([where, *map(str, fault["loc"])])
        raise UserError(f"{place} is {fault['input']!r}: {fault['msg']}.") from error


class AcceptSettings(Frozen):
    """The student of one round is held against the one before, on dev (``evaluation/review.py``)."""

    against: Name
    """The condition before it."""
    rounds: Annotated[int, Field(ge=1)] = 1
    """Over how many rounds the error is charged."""
    error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of runs in which a student that is no worse may be turned down for being worse."""
    K: Annotated[int, Field(ge=2, le=256)] = 8
    """Samples of its vote on dev, for the alarms."""
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The selection whose coverage and precision are watched."""


GOLD, REVEALED, LABELS = "gold", "revealed", "labels."
LIKE = ("random_like", "agreed_like")
"""Selections that take their number from another condition."""
TARGET = "target_precision"
"""The selection whose threshold is found on dev."""


class ModelSettings(Frozen):
    """One more model of a study; fields left out are those of the run."""

    id: Annotated[str, Field(min_length=1)]
    """A lab model, a hub id, a folder with safetensors, or a GGUF file."""
    revision: str | None = None
    thinking: Literal["template", "off"] | None = None
    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    """The cap of all its answers: a model that thinks needs more of them."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Of its fine-tuning: larger models want a lower one."""


class LabelSettings(Frozen):
    """One set of pseudo-labels; fields left out are those of the run."""

    teacher: Name | None = None
    """The condition whose model samples; None is the run's ``teacher``."""
    part: Literal["unlabeled", "foreign"] = "unlabeled"
    """The questions that are asked: ``foreign`` ones come from ``data.foreign``."""
    rule: Literal["vote", "random-sample"] = "vote"
    """``random-sample`` takes one own sample per question and no vote."""
    K: Annotated[int, Field(ge=1, le=256)] = 8
    text: Choice = "first"
    """Which of the samples that reach the winner becomes the solution."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of the unlabeled questions that is voted on: half of them with twice the K cost the same."""
    stopping: Stopping = "fixed"
    """When a question has samples enough (``labeling/stopping.py``); every rule but ``fixed`` saves samples."""
    min_agreement: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of K at which ``lossless`` selects; conditions that learn from these votes select at it too."""
    look_every: Annotated[int, Field(ge=1)] = 1
    """Samples between two looks of the stopping rule."""
    shots: Annotated[int, Field(ge=0, le=64)] = 0
    """Gold questions with their worked solutions that the teacher reads before each question; students read none."""
    samples: str | None = None
    """A file of samples to vote on (as ``noisy-student sample`` writes them) in place of drawing any."""

    @property
    def stops_early(self) -> bool:
        """Whether a rule may end a question's sampling: other choices of text than the first need all K samples."""
        return self.stopping == "beta" or (self.stopping == "lossless" and self.text == "first")

    @property
    def default_select(self) -> Mapping[str, Any]:
        """The selection of all that these votes can be asked for."""
        return {"min_agreement": self.min_agreement} if self.stopping == "lossless" else {"all": True}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.stopping == "lossless") != (self.min_agreement is not None):
            raise UserError(
                f"stopping is {self.stopping} and min_agreement is {self.min_agreement}.",
                why="lossless is so for one threshold, and no other rule has one.",
                do='Write stopping = "lossless" and min_agreement = 0.75, or neither.',
            )
        if self.shots and self.samples is not None:
            raise UserError(
                f"These labels are voted on the samples in {self.samples} and have shots = {self.shots}.",
                why="Nothing is drawn, so nobody would read the examples.",
                do="Leave one of the two out.",
            )
        if self.rule == "random-sample" and (self.stopping != "fixed" or self.share != 1):
            raise UserError(
                f"A random sample has stopping = {self.stopping} and share = {self.share:g}.",
                why="It asks for no vote, so there is nothing to stop or to buy with fewer questions.",
                do="Leave both out.",
            )
        return self


class ConditionSettings(Frozen):
    """One row of the table: what a student is trained on and how."""

    method: Literal["none", "sft", "grpo", "last"] = "sft"
    """``none`` is the untrained model, ``last`` the last student of a chain that was not turned down."""
    model: Name | None = None
    """The model of ``models`` that it starts from; None is the run's."""
    start: Name | None = None
    """The condition whose student it goes on from; None starts afresh from the model."""
    last_of: tuple[Name, ...] = ()
    """The chain of ``last``, the first of which is never turned down."""
    accept: AcceptSettings | None = None
    """When its student may teach, be gone on from, or be the last of a chain; None always."""
    graded_on: Literal["test", "dev"] = "test"
    """The part on which it is tested: dev for students that are on the way only."""
    passes: bool = False
    """Whether it answers test questions many times over, for pass@k."""
    train: tuple[str, ...] = ()
    """``gold``, ``revealed``, or ``labels.NAME``."""
    select: Mapping[str, Any] = Field(default_factory=lambda: {"all": True})
    """Which votes are learned from: ``all``, ``min_agreement``, ``count``, or as many as another condition keeps: the
    most agreed (``agreed_like``), or any (``random_like``); or those that are right with ``target_precision``, as dev
    shows."""
    target: Literal["solution", "own-sample"] = "solution"
    """For revealed labels: the key's worked text, or an own sample that reaches the key's answer."""
    reveal: Literal["unlabeled", "foreign"] = "unlabeled"
    """Whose labels ``revealed`` are."""
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    """For own samples of revealed labels: the share of them that is right; the others reach the model's most common
    wrong answer. None takes right ones only, of all questions that have one."""
    match: Literal["epochs", "steps"] | None = None
    """None is the run's; ``steps`` trains as long as all labeled and unlabeled questions would."""
    lora: LoraSpec | None = None
    """A low-rank adapter that is trained in place of all weights."""
    rates: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """Factors of its learning rate that are tried; the student that is best on dev is tested, and no other."""
    grpo: Mapping[str, Any] = Field(default_factory=dict)
    """Fields of ``grpo`` that this condition has otherwise than the run, such as ``refill = 2``."""
    sft: Mapping[str, Any] = Field(default_factory=dict)
    """Fields of ``sft`` that this condition has otherwise than the run, such as ``dropout = 0.1``."""
    view: Literal["paraphrase"] | None = None
    """Another wording in which the student reads each question, whatever its teacher read; needs ``data.views``."""
    shuffle: Literal["rationale", "labels"] | None = None
    """A control of what is learned: ``rationale`` gives each text another question's reasoning before its own answer,
    ``labels`` gives each question of GRPO another one's label of the same origin; gold stays what it is."""
    control_of: Name | None = None
    """The condition that this one is the control of."""
    after: Name | None = None
    """The probe before this one: it is trained only where that one and those before it did not hold their criteria."""

    @model_validator(mode="before")
    @classmethod
    def _tuple(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = ("train", "rates", "last_of")
        lists = {name: tuple(value[name]) for name in names if isinstance(value.get(name), list)}
        return {**value, **lists}

    @property
    def like(self) -> str | None:
        """The condition whose number of labels this one takes."""
        names = [self.select[rule] for rule in LIKE if isinstance(self.select.get(rule), str)]
        return names[0] if names else None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The sets of pseudo-labels that it learns from."""
        return tuple(name.removeprefix(LABELS) for name in self.train if name.startswith(LABELS))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.method in ("none", "last")) != (not self.train):
            raise ValueError('methods "none" and "last" go with an empty train list, and only they')
        if (self.method == "last") != bool(self.last_of):
            raise ValueError('method = "last" goes with last_of, and only it')
        if self.accuracy is not None and (self.target != "own-sample" or REVEALED not in self.train):
            raise UserError(
                f"accuracy is {self.accuracy:g} and nothing is revealed as own samples.",
                why="Only labels whose truth is known can be made wrong on purpose.",
                do='Set train = ["revealed"] and target = "own-sample", or leave accuracy out.',
            )
        for name in self.train:
            if name not in (GOLD, REVEALED) and not name.startswith(LABELS):
                raise UserError(
                    f'"{name}" is nothing to train on.',
                    why='A condition learns from "gold", "revealed" or "labels.NAME".',
                    do=nearest(name, [GOLD, REVEALED, f"{LABELS}votes"]),
                )
        if self.lora is not None and self.method in ("none", "last"):
            raise UserError(
                "A condition has lora and trains nothing.", do='Set method = "sft" or "grpo", or leave lora out.'
            )
        if self.rates and (not self.train or len(self.rates) < 2 or len(set(self.rates)) != len(self.rates)):
            raise UserError(
                f"The rates {list(self.rates)} are no choice.",
                why="Several different learning rates are tried for a student, and the best on dev is kept.",
                do="Give a condition that trains at least two different factors, or leave rates out.",
            )
        if len(set(self.train)) != len(self.train):
            raise UserError(f"The train list {list(self.train)} names something twice.", do="Name each once.")
        _check_selection(self.select)
        return self


def _check_selection(select: Mapping[str, Any]) -> None:
    """Raise UserError unless ``select`` is one rule that is known."""
    rules = [*SELECTIONS, *LIKE, TARGET]
    for name in select:
        if name not in rules:
            raise UserError(f'There is no selection "{name}".', do=nearest(name, rules))
    if TARGET in select:
        share = select[TARGET]
        if len(select) > 1 or not isinstance(share, float) or not 0 < share < 1:
            raise UserError(
                f"select is {dict(select)}.",
                why="It is one share above 0 and below 1.",
                do=f"Write {{ {TARGET} = 0.9 }}.",
            )
    elif not set(LIKE) & set(select):
        selection(select)
    elif len(select) > 1 or not isinstance(next(iter(select.values())), str):
        rule = next(rule for rule in LIKE if rule in select)
        raise UserError(
            f"select is {dict(select)}.", why=f"{rule} stands alone.", do=f'Write {{ {rule} = "CONDITION" }}.'
        )


def check_size_match(name: str, condition: ConditionSettings, other: ConditionSettings) -> None:
    """Raise UserError unless the other condition has a number of labels that this one can take."""
    of_same_votes = "agreed_like" in condition.select or set(condition.label_names) <= set(other.label_names)
    if "agreed_like" in condition.select and not condition.label_names:
        raise UserError(
            f"conditions.{name} takes the most agreed of no labels.",
            why="Revealed labels have no agreement, so as many of them are drawn at random.",
            do=f'Select {{ random_like = "{condition.like}" }}.',
        )
    if other.like is not None or len(other.label_names) != 1 or not of_same_votes:
        raise UserError(
            f'conditions.{name} is as large as "{condition.like}", which selects none of its labels itself.',
            why="Its number of labels is that which the other condition selects from one set of votes, for random_like "
            "the same one.",
            do="Name a condition with a rule of its own that learns from the same labels.",
        )


def check_stopping(name: str, condition: ConditionSettings, label: str, votes: LabelSettings) -> None:
    """Raise UserError for a selection that these labels cannot be asked for."""
    if votes.rule == "random-sample" and dict(condition.select) != {"all": True}:
        raise UserError(
            f"conditions.{name} selects {dict(condition.select)} from labels.{label}, whose rule is random-sample.",
            why="They are not voted, so there is nothing to select by.",
            do="Select { all = true }.",
        )
    if votes.stopping != "fixed" and dict(condition.select) != dict(votes.default_select):
        allowed = ", ".join(f"{rule} = {value}".lower() for rule, value in votes.default_select.items())
        raise UserError(
            f"conditions.{name} selects {dict(condition.select)} from labels.{label}, which has stopping = "
            f"{votes.stopping}.",
            why="Stopping early inflates agreement, or leaves unknown what would have won below its threshold.",
            do=f"Select {{ {allowed} }}, or set labels.{label}.stopping = fixed.",
        )


def check_agreement(name: str, label: str, votes: LabelSettings) -> None:
    """Raise UserError where labels without an agreement would be weighed by it."""
    if votes.rule != "vote" or votes.stops_early:
        raise UserError(
            f"conditions.{name} weighs labels.{label} by agreement, which they do not have.",
            why="A random sample has none, and stopping early leaves it unknown.",
            do="Set weigh_agreement = false, or learn from votes with stopping = fixed.",
        )


def check_grpo(name: str, condition: ConditionSettings, run: GrpoSpec) -> GrpoSpec:
    """The run's GRPO settings with the condition's own; UserError for what is no such field or no value of it."""
    if condition.grpo and condition.method != "grpo":
        raise UserError(
            f"conditions.{name} has grpo settings and the method {condition.method}.",
            why="They would change nothing.",
            do='Set method = "grpo", or leave them out.',
        )
    return with_own(run, condition.grpo, f"conditions.{name}.grpo")
