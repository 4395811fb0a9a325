"""Conditions that wait for one another: a probe is tried only where those before it did not hold their criteria."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from noisy_student.data.spec import DataSpec
from noisy_student.errors import UserError, nearest
from noisy_student.study.settings.conditions import REVEALED, TARGET, ConditionSettings, LabelSettings, with_own
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.sft import SftSpec


def probes_before(name: str, conditions: Mapping[str, ConditionSettings]) -> tuple[str, ...]:
    """The probes that must have failed before a condition is tried, the first of them first; UserError for a circle."""
    found: list[str] = []
    before = conditions[name].after
    while before is not None:
        if before in found or before == name:
            circle = [name, *found, before]
            raise UserError(
                f"conditions.{before} comes after itself: {' after '.join(circle[circle.index(before) :])}.",
                why="None of them could be the first.",
                do="Leave after out of one of them.",
            )
        found.append(before)
        before = conditions[before].after
    return tuple(reversed(found))


def check_after(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError unless a condition comes after probes only, and is one that is trained by GRPO itself."""
    condition = conditions[name]
    if condition.after is None:
        return
    if condition.method != "grpo" or condition.rates:
        raise UserError(
            f"conditions.{name} comes after {condition.after}, and is no single training by grpo.",
            why="Only such a one waits for a probe.",
            do='Set method = "grpo" and no rates, or leave after out.',
        )
    for before in probes_before(name, conditions):
        if "probe" not in conditions[before].grpo:
            raise UserError(
                f"conditions.{name} comes after {before}, which is no probe.",
                why="It has no criteria that could fail.",
                do=f"Set conditions.{before}.grpo.probe = {{}}.",
            )


def check_chain(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError for names that are none, and for students that cannot be gone on from or held against others."""
    condition = conditions[name]
    against = () if condition.accept is None else (condition.accept.against,)
    started = () if condition.start is None else (condition.start,)
    for other in (*started, *against, *condition.last_of):
        if other not in conditions:
            raise UserError(
                f'conditions.{name} names "{other}", which this study does not have.', do=nearest(other, conditions)
            )
        if conditions[other].model != condition.model:
            raise UserError(
                f"conditions.{name} and {other} start from different models.",
                why="A student goes on from one of its own kind, is held against one, and is asked like one.",
                do="Give both the same model.",
            )
    for other in (*started, *condition.last_of):
        _require_students(name, other, conditions)
    _require_end(name, conditions)
    if condition.start is not None and not condition.train:
        raise UserError(
            f"conditions.{name} trains nothing and has start.",
            why="It would change nothing.",
            do="Leave start out.",
        )
    if condition.accept is not None and not condition.train:
        raise UserError(
            f"conditions.{name} trains nothing and has accept.",
            why="There is no student to turn down.",
            do="Leave accept out.",
        )
    if condition.last_of and conditions[condition.last_of[0]].accept is not None:
        raise UserError(
            f"The first of conditions.{name}.last_of, {condition.last_of[0]}, may be turned down.",
            why="Then there might be no last one.",
            do="Begin with a condition that has no accept.",
        )


def _require_end(name: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError where a condition is held against one that is held against it."""
    passed = [name]
    while (accept := conditions[passed[-1]].accept) is not None and accept.against in conditions:
        if accept.against in passed:
            raise UserError(
                f"The conditions are held against one another in a circle: {' → '.join([*passed, accept.against])}.",
                why="Each is held against the one before it, and no round is the first of these.",
                do="Hold one of them against a condition that has no accept.",
            )
        passed.append(accept.against)


def _require_students(name: str, other: str, conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError unless both hand on whole models."""
    for one in (conditions[name], conditions[other]):
        if one.lora is not None and not one.lora.merge:
            raise UserError(
                f"conditions.{name} goes on from {other}, and one of them is an adapter.",
                why="Only whole models are gone on from.",
                do="Set lora.merge = true.",
            )
    if conditions[other].method == "none":
        raise UserError(
            f"conditions.{name} goes on from {other}, which trains nothing.",
            why="That is the model that every student starts from.",
            do="Leave start out, or name a condition that trains.",
        )


def check_foreign(conditions: Mapping[str, ConditionSettings], labels: Mapping[str, LabelSettings]) -> None:
    """Raise UserError for labels of foreign questions; to be asked where a study has none."""
    asked = {f"labels.{name}": item.part for name, item in labels.items()}
    asked |= {f"conditions.{name}": item.reveal for name, item in conditions.items()}
    for where, part in asked.items():
        if part == "foreign":
            raise UserError(
                f"{where} is of foreign questions, and there are none.",
                why="They come from a source of their own.",
                do='Write data.foreign, such as { count = 2000, family = "shop" }.',
            )


def check_reveal(name: str, condition: ConditionSettings) -> None:
    """Raise UserError for a part to reveal where nothing is revealed."""
    if condition.reveal != "unlabeled" and REVEALED not in condition.train:
        raise UserError(
            f'conditions.{name} has reveal = "{condition.reveal}" and does not learn from revealed labels.',
            why="It would change nothing.",
            do='Let it train on "revealed", or leave reveal out.',
        )


def check_target(name: str, condition: ConditionSettings, labels: Mapping[str, LabelSettings]) -> None:
    """Raise UserError for a precision that dev cannot show: of no votes, or of foreign ones."""
    if TARGET not in condition.select:
        return
    parts = [labels[label].part for label in condition.label_names]
    if not parts or "foreign" in parts:
        raise UserError(
            f"conditions.{name} selects by {TARGET} from {'foreign questions' if parts else 'no votes'}.",
            why="The threshold is found on dev, and holds for votes on questions of the same kind.",
            do="Select by min_agreement, or learn from votes on the study's own questions.",
        )


def check_graded(compared: Mapping[str, Sequence[str]], conditions: Mapping[str, ConditionSettings]) -> None:
    """Raise UserError for comparisons of conditions that are tested on different questions."""
    for name, sides in compared.items():
        part = conditions[sides[0]].graded_on
        for side in sides[1:]:
            if conditions[side].graded_on != part:
                raise UserError(
                    f"primary.{name} compares {sides[0]}, tested on {part}, with {side}, tested on "
                    f"{conditions[side].graded_on}.",
                    why="A difference is taken on the same questions.",
                    do="Compare conditions with the same graded_on.",
                )


SHUFFLED = {"rationale": "sft", "labels": "grpo"}
"""What can be shuffled, and the method that learns from it: GRPO reads no worked text, SFT no label without one."""


def check_noise(name: str, condition: ConditionSettings, data: DataSpec, sft: SftSpec) -> None:
    """Raise UserError for own settings of ``sft``, a view or a shuffle that this condition cannot have."""
    if condition.sft and condition.method != "sft":
        raise UserError(
            f"conditions.{name} has sft settings and the method {condition.method}.",
            why="They would change nothing.",
            do='Set method = "sft", or leave them out.',
        )
    with_own(sft, condition.sft, f"conditions.{name}.sft")
    if condition.view is not None and condition.method != "sft":
        raise UserError(
            f'conditions.{name} has view = "{condition.view}" and the method {condition.method}.',
            why="Only fine-tuning reads a question otherwise than its teacher did.",
            do='Set method = "sft", or leave view out.',
        )
    if condition.view is not None and not data.views:
        raise UserError(
            f'conditions.{name} has view = "{condition.view}", and data.views is false.',
            why="The split then writes no other wordings of its questions.",
            do="Set data.views = true; files need a column of paraphrases (data.source.fields.paraphrase).",
        )


def check_shuffle(name: str, condition: ConditionSettings, grpo: GrpoSpec) -> None:
    """Raise UserError for a shuffle of what this condition does not learn from."""
    if condition.shuffle is None:
        return
    method = SHUFFLED[condition.shuffle]
    if condition.method != method:
        raise UserError(
            f'conditions.{name} has shuffle = "{condition.shuffle}" and the method {condition.method}.',
            why="Fine-tuning learns from worked texts, reinforcement from labels alone.",
            do=f'Set method = "{method}", or leave shuffle out.',
        )
    if set(condition.train) <= {"gold"}:
        raise UserError(
            f'conditions.{name} has shuffle = "{condition.shuffle}" and learns from gold alone.',
            why="Gold labels and texts stay what they are, so nothing would be shuffled.",
            do='Let it train on "labels.NAME" or "revealed", too.',
        )
    if condition.shuffle == "labels" and condition.label_names and grpo.online_votes:
        raise UserError(
            f"conditions.{name} shuffles labels and votes online.",
            why="Each group's own vote takes the place of its label, so shuffling would change nothing.",
            do="Set grpo.online_votes = false, or leave shuffle out.",
        )
