"""Checks of a study as a whole: names that exist, and parts that agree with one another; one function a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from noisy_student.errors import UserError, require_known
from noisy_student.sampling.engines import reads_adapters
from noisy_student.study.settings.conditions import (
    REVEALED,
    TARGET,
    ConditionSettings,
    LabelCondition,
    TextCondition,
    TrainedCondition,
    UntrainedCondition,
)
from noisy_student.study.settings.decisions import check_names
from noisy_student.study.settings.labels import check_agreement, check_stopping
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.grpo import GrpoSpec


def check_study(settings: Settings) -> None:
    """Raise UserError for the first rule that the settings break."""
    for rule in OF_STUDY:
        rule(settings)
    for rule_of_training in OF_TRAINING:
        for name, condition in settings.conditions.items():
            if isinstance(condition, TrainedCondition):
                rule_of_training(settings, name, condition)


def probes_before(name: str, conditions: Mapping[str, ConditionSettings]) -> tuple[str, ...]:
    """Return the probes that must fail before a condition is trained, in order; raises UserError for a circle."""
    found: list[str] = []
    before = _after(conditions[name])
    while before is not None:
        if before in found or before == name:
            circle = [name, *found, before]
            raise UserError(
                f"conditions.{before} comes after itself: {' after '.join(circle[circle.index(before) :])}.",
                why="No condition of this circle could be trained first.",
                do="Leave after out of one of them.",
                code="probe-circle",
            )
        found.append(before)
        before = _after(conditions[before])
    return tuple(reversed(found))


def _after(condition: ConditionSettings) -> str | None:
    return condition.after if isinstance(condition, LabelCondition) else None


def _require_name(name: str, known: Mapping[str, object], where: str) -> None:
    require_known(name, known, f'{where} names "{name}", which this study does not have.', code="unknown-name")


def _can_be_computed(settings: Settings) -> None:
    if settings.checks.only and not settings.preflight:
        what = "checks.only is true and preflight is false."
        raise UserError(what, why="Nothing would be computed.", do="Set preflight = true.", code="field-without-effect")
    adapters = settings.adapters
    if adapters and not reads_adapters(settings.compute.engine):
        raise UserError(
            f"conditions.{adapters[0]} trains an adapter, and compute.engine is {settings.compute.engine}.",
            why="That engine reads whole models only.",
            do=f"Set conditions.{adapters[0]}.lora.merge = true, or compute.engine = torch.",
            code="engine-without-adapters",
        )


def _names_exist(settings: Settings) -> None:
    conditions = settings.conditions
    for name, condition in conditions.items():
        if condition.model is not None:
            _require_name(condition.model, settings.models, f"conditions.{name}.model")
        against = None if condition.accept is None else condition.accept.against
        named = (condition.like, condition.control_of, _after(condition), condition.start, against, *condition.last_of)
        for other in named:
            if other is not None:
                _require_name(other, conditions, f"conditions.{name}")
        for label in condition.label_names:
            _require_name(label, settings.labels, f"conditions.{name}.train")
    for name, item in settings.labels.items():
        _require_name(item.teacher or settings.teacher, conditions, f"The teacher of labels.{name}")
    for name, contrast in settings.primary.items():
        for side in contrast.sides:
            _require_name(side, conditions, f"primary.{name}")
    for name, prediction in settings.predictions.items():
        _require_name(prediction.condition, conditions, f"predictions.{name}")
    check_names(settings.decide, {"findings": settings.primary, "conditions": conditions, "labels": settings.labels})


def _students_can_go_on(settings: Settings) -> None:
    """A student continues from, is compared with and ends a chain of students of its own base model."""
    conditions = settings.conditions
    for name, condition in conditions.items():
        began = (*([] if condition.start is None else [condition.start]), *condition.last_of)
        against = () if condition.accept is None else (condition.accept.against,)
        for other in (*began, *against):
            if conditions[other].model != condition.model:
                raise UserError(
                    f"conditions.{name} and {other} start from different models.",
                    why="A student continues from, and is compared with, students of the same base model only.",
                    do="Give both the same model.",
                    code="chain-of-different-models",
                )
        for other in began:
            if any(lora is not None and not lora.merge for lora in (condition.lora, conditions[other].lora)):
                raise UserError(
                    f"conditions.{name} goes on from {other}, and one of them is an adapter.",
                    why="A student goes on from a whole model only.",
                    do="Set lora.merge = true.",
                    code="chain-of-adapters",
                )
            if isinstance(conditions[other], UntrainedCondition):
                raise UserError(
                    f"conditions.{name} goes on from {other}, which trains nothing.",
                    why="Every student starts from that model anyway.",
                    do="Leave start out, or name a condition that trains.",
                    code="chain-from-untrained",
                )
        if condition.last_of and conditions[condition.last_of[0]].accept is not None:
            raise UserError(
                f"conditions.{name}.last_of begins with {condition.last_of[0]}, which sets accept.",
                why="Every student in the chain could be rejected.",
                do="Begin last_of with a condition that does not set accept.",
                code="chain-without-end",
            )


def _reviews_end(settings: Settings) -> None:
    for name in settings.conditions:
        passed = [name]
        while (accept := settings.conditions[passed[-1]].accept) is not None:
            if accept.against in passed:
                circle = " → ".join([*passed, accept.against])
                raise UserError(
                    f"accept.against forms a circle: {circle}.",
                    why="Each student is compared with an earlier one; none of these is the first.",
                    do="Set accept.against of one of them to a condition that does not set accept.",
                    code="review-circle",
                )
            passed.append(accept.against)


def _foreign_questions_exist(settings: Settings) -> None:
    asked = {f"labels.{name}": item.part for name, item in settings.labels.items()}
    trained = {name: item for name, item in settings.conditions.items() if isinstance(item, TrainedCondition)}
    asked |= {f"conditions.{name}": item.reveal for name, item in trained.items()}
    for where, part in asked.items():
        if part == "foreign" and settings.data.foreign is None:
            raise UserError(
                f"{where} uses foreign questions, and the study has none.",
                why="Foreign questions come from a source of their own.",
                do='Write data.foreign, such as { count = 2000, family = "shop" }.',
                code="foreign-missing",
            )


def _compared_on_the_same_part(settings: Settings) -> None:
    for name, contrast in settings.primary.items():
        first, *others = contrast.sides
        part = settings.conditions[first].graded_on
        for side in others:
            if (tested := settings.conditions[side].graded_on) != part:
                raise UserError(
                    f"primary.{name} compares {first}, tested on {part}, with {side}, tested on {tested}.",
                    why="A difference is taken on the same questions.",
                    do="Compare conditions with the same graded_on.",
                    code="compared-on-different-parts",
                )


def _predictions_are_of_one_set(settings: Settings) -> None:
    for name, prediction in settings.predictions.items():
        found = settings.conditions[prediction.condition].label_names
        if len(found) != 1:
            raise UserError(
                f'predictions.{name} is about "{prediction.condition}", which has {len(found)} sets of pseudo-labels.',
                why="Coverage and precision are those of one set.",
                do="Name a condition that learns from one set.",
                code="prediction-without-labels",
            )


def _settings_fit(settings: Settings, name: str, condition: TrainedCondition) -> None:
    if settings.model.dtype != "float32":
        raise UserError(
            f"model.dtype is {settings.model.dtype}, and {name} is to be trained.",
            why="In half precision an update of a millionth of a weight is lost in rounding.",
            do="--set model.dtype=float32, or leave out every condition that trains.",
            code="training-in-half-precision",
        )
    if isinstance(condition, TextCondition) and condition.view is not None and not settings.data.views:
        raise UserError(
            f'conditions.{name} has view = "{condition.view}", and data.views is false.',
            why="The split then writes no other wordings of its questions.",
            do="Set data.views = true; files need a column of paraphrases (data.source.fields.paraphrase).",
            code="views-missing",
        )
    if condition.reveal != "unlabeled" and REVEALED not in condition.train:
        raise UserError(
            f'conditions.{name} has reveal = "{condition.reveal}" and does not learn from revealed labels.',
            why="It would change nothing.",
            do='Let it train on "revealed", or leave reveal out.',
            code="field-without-effect",
        )


def _labels_fit(settings: Settings, name: str, condition: TrainedCondition) -> None:
    """Labels have the agreement that they are weighed by, and allow the selection."""
    spec = settings.training_spec(condition, name)
    for label in condition.label_names:
        votes = settings.labels[label]
        if isinstance(spec, GrpoSpec) and spec.weigh_agreement:
            check_agreement(f"conditions.{name}", label, votes)
        check_stopping(f"conditions.{name}", condition.select, label, votes)


def _shuffles_change_something(settings: Settings, name: str, condition: TrainedCondition) -> None:
    if not isinstance(condition, TextCondition | LabelCondition) or condition.shuffle is None:
        return
    if set(condition.train) <= {"gold"}:
        raise UserError(
            f'conditions.{name} has shuffle = "{condition.shuffle}" and learns from gold alone.',
            why="Gold labels and texts are never shuffled.",
            do='Let it train on "labels.NAME" or "revealed", too.',
            code="field-without-effect",
        )
    spec = settings.training_spec(condition, name)
    if condition.label_names and isinstance(spec, GrpoSpec) and spec.online_votes:
        raise UserError(
            f"conditions.{name} shuffles labels and votes online.",
            why="Each group's own vote replaces its label, so shuffling would change nothing.",
            do="Set grpo.online_votes = false, or leave shuffle out.",
            code="field-without-effect",
        )


def _sizes_can_match(settings: Settings, name: str, condition: TrainedCondition) -> None:
    """A condition takes its number of labels from one that selects them itself from one set of votes."""
    if condition.like is None:
        return
    other = settings.conditions[condition.like]
    by_agreement = "agreed_like" in condition.select
    if by_agreement and not condition.label_names:
        raise UserError(
            f"agreed_like needs pseudo-labels; conditions.{name} has none.",
            why="Revealed labels have no agreement, so as many of them can only be drawn at random.",
            do=f'Select {{ random_like = "{condition.like}" }}.',
            code="selection-without-votes",
        )
    taken = f'conditions.{name} takes its number of labels from "{condition.like}"'
    if other.like is not None or len(other.label_names) != 1:
        raise UserError(
            f"{taken}, which has no selection of its own.",
            why="The other condition must select its labels itself, from one set of votes.",
            do="Name a condition that learns from one set of labels, by a rule such as min_agreement.",
            code="size-of-no-selection",
        )
    if not by_agreement and not set(condition.label_names) <= set(other.label_names):
        own = " and ".join(f"labels.{label}" for label in condition.label_names)
        raise UserError(
            f"{taken}, which selects from labels.{other.label_names[0]}, this one from {own}.",
            why="random_like draws as many of the same votes at random.",
            do=f'Learn from the same labels, or select {{ agreed_like = "{condition.like}" }}.',
            code="size-of-no-selection",
        )


def _dev_shows_precision(settings: Settings, name: str, condition: TrainedCondition) -> None:
    """A target precision is found on dev, so it holds for votes on the study's own questions."""
    parts = [settings.labels[label].part for label in condition.label_names]
    if TARGET in condition.select and (not parts or "foreign" in parts):
        raise UserError(
            f"conditions.{name} uses {TARGET} and learns from {'foreign questions' if parts else 'no pseudo-labels'}.",
            why="The threshold is found on dev, and holds for votes on questions of the same kind.",
            do="Select by min_agreement, or learn from votes on the study's own questions.",
            code="selection-without-votes",
        )


def _probes_come_before(settings: Settings, name: str, condition: TrainedCondition) -> None:
    """Only a single training waits for probes, and only probes have criteria to wait for."""
    if (after := _after(condition)) is not None and condition.rates:
        raise UserError(
            f"conditions.{name} comes after {after} and has rates.",
            why="A condition with rates is several trainings; only a single one can wait for a probe.",
            do="Leave rates or after out.",
            code="probe-before-rates",
        )
    for before in probes_before(name, settings.conditions):
        if "probe" not in settings.conditions[before].overrides:
            raise UserError(
                f"conditions.{name} comes after {before}, which is no probe.",
                why="A condition with after is trained only if the probe before it fails its criteria.",
                do=f"Set conditions.{before}.grpo.probe = {{}}.",
                code="probe-missing",
            )


OF_STUDY: tuple[Callable[[Settings], None], ...] = (
    _can_be_computed,
    _names_exist,
    _students_can_go_on,
    _reviews_end,
    _foreign_questions_exist,
    _compared_on_the_same_part,
    _predictions_are_of_one_set,
)
"""Rules of a study in the order of their messages; later ones rely on the names that earlier ones have found."""
OF_TRAINING: tuple[Callable[[Settings, str, TrainedCondition], None], ...] = (
    _settings_fit,
    _labels_fit,
    _shuffles_change_something,
    _sizes_can_match,
    _dev_shows_precision,
    _probes_come_before,
)
"""Rules of each condition that trains, checked after those of the study."""
