"""The parts of the questions that conditions and labels are about: which there must be, and which go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from noisy_student.errors import UserError
from noisy_student.study.conditions import REVEALED, TARGET, ConditionSettings, LabelSettings


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
