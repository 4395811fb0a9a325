"""What a condition does to its student's input and to its lessons: refused where it would change nothing."""

from __future__ import annotations

from noisy_student.data.spec import DataSpec
from noisy_student.errors import UserError
from noisy_student.study.conditions import ConditionSettings
from noisy_student.study.own_fields import with_own
from noisy_student.training.grpo_spec import GrpoSpec
from noisy_student.training.spec import SftSpec

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
