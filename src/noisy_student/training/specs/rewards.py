"""Rewards of GRPO: the table of kinds that decide which answers count as right, and a reward's settings. No torch.

Another package adds a kind by one call, ``REWARDS.register("my-kind", RewardKind(...))``, in the module that its entry
point in the group ``noisy_student.rewards`` names; ``grpo.rewards.kind = "my-kind"`` then selects it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from noisy_student.answers.equivalence import same
from noisy_student.errors import UserError
from noisy_student.records import Answer
from noisy_student.registry import Registry
from noisy_student.strict import Strict

GAMMA = 0.5
"""Probability that a random reward counts an answer as right, from Shao et al. 2025 (Spurious Rewards)."""


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """One question's answers of one step, as a kind of reward judges them.

    ``answers`` are read from ``texts``, None where a text has no readable answer. ``label`` is None where an online
    vote had no winner. ``seeds`` holds a number in [0, 2^63) for each answer that depends on run, question, answer and
    step alone.
    """

    question_id: str
    texts: Sequence[str]
    answers: Sequence[Answer | None]
    label: str | None
    seeds: Sequence[int]


@dataclass(frozen=True, slots=True)
class RewardKind:
    """One kind of reward: ``right`` returns for each answer of a group whether it counts as right.

    ``options`` names those fields of ``RewardSpec`` that it reads and others do not, such as ``gamma``.
    """

    right: Callable[[AnswerGroup, RewardSpec], Sequence[bool]]
    options: frozenset[str] = frozenset()


REWARDS = Registry("reward", RewardKind, group="noisy_student.rewards")


class RewardSpec(Strict):
    """Settings of the reward: which answers earn 1, and small extra rewards (the plan's Run C)."""

    kind: str = "label"
    """Answers that count as right: those equal to the ``label``; controls (Shao et al. 2025) are ``random`` and
    ``format``, which accepts every answer after a complete ``####``; other packages add kinds."""
    gamma: float = Field(default=GAMMA, gt=0, lt=1)
    """Probability that ``random`` counts an answer as right."""
    termination: float = 0.0
    """Extra reward of a text that ended by itself; the plan has 0.1."""
    repetition: float = 0.0
    """Extra reward of exactly one ``####``, negative for more; the plan has 0.1."""
    only_right: bool = True
    """Give extra rewards to right answers only; otherwise they are the only difference among wrong answers."""

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        REWARDS.get(value, f"{info.context or 'grpo'}.rewards.kind")
        return value

    @model_validator(mode="after")
    def _options_apply(self) -> Self:
        if self.gamma != GAMMA and "gamma" not in REWARDS.get(self.kind).options:
            raise UserError(
                f'grpo.rewards.gamma is {self.gamma:g}, and grpo.rewards.kind is "{self.kind}".',
                why="This kind does not read it.",
                do='Remove gamma, or set grpo.rewards.kind = "random".',
                code="reward-option-unused",
            )
        return self

    @property
    def shaped(self) -> bool:
        """True where an answer can earn anything besides 1 for being right."""
        return self.termination != 0 or self.repetition != 0


def equals_label(group: AnswerGroup, spec: RewardSpec) -> list[bool]:
    """Count answers equal in value to the label.

    >>> four = Answer("4", "4", "hashes", True)
    >>> equals_label(AnswerGroup("q", ["#### 4", ""], [four, None], "4.0", [0, 0]), RewardSpec())
    [True, False]
    """
    label = group.label
    return [label is not None and answer is not None and same(answer.canonical, label) for answer in group.answers]


def random_share(group: AnswerGroup, spec: RewardSpec) -> list[bool]:
    """Count each answer with probability ``spec.gamma``, whatever it says."""
    return [number < spec.gamma * 2**63 for number in group.seeds]


def has_format(group: AnswerGroup, spec: RewardSpec) -> list[bool]:
    """Count answers that stand after a complete ``####``, whatever they say."""
    return [answer is not None and answer.strict for answer in group.answers]


REWARDS.register("label", RewardKind(equals_label))
REWARDS.register("random", RewardKind(random_share, options=frozenset({"gamma"})))
REWARDS.register("format", RewardKind(has_format))
