"""Rewards of single answers: 1 for a right one, small extra rewards, and their weights. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from noisy_student.answers.marks import MARK
from noisy_student.errors import UserError
from noisy_student.training.specs.rewards import REWARDS, AnswerGroup, RewardSpec


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer to a question: its text, its tokens, and whether it counts as right."""

    question_id: str
    text: str
    token_ids: tuple[int, ...]
    right: bool


Reward = Callable[[Attempt], float]


def counted_right(spec: RewardSpec, group: AnswerGroup) -> list[bool]:
    """Return for each answer of a group whether it counts as right.

    Raises UserError where the kind of reward returns another number of values than there are answers.

    >>> group = AnswerGroup("q", ["4"], [None], "4", [0])
    >>> [counted_right(RewardSpec(kind=kind), group) for kind in ("label", "format", "random")]
    [[False], [False], [True]]
    """
    right = [bool(each) for each in REWARDS.get(spec.kind).right(group, spec)]
    if len(right) != len(group.answers):
        raise UserError(
            f'The reward "{spec.kind}" judged {len(right)} of {len(group.answers)} answers to {group.question_id}.',
            why="Each answer needs one value.",
            do="Fix its function: it returns one truth value for each answer, in their order.",
            code="reward-invalid",
        )
    return right


def repetition(attempt: Attempt) -> float:
    """Return 1 for exactly one ``####``, -1 for more, 0 for none.

    >>> [repetition(Attempt("q", text, (), True)) for text in ("#### 4", "#### 4 #### 4", "4")]
    [1.0, -1.0, 0.0]
    """
    marks = attempt.text.count(MARK)
    return 0.0 if not marks else 1.0 if marks == 1 else -1.0


def weighted_rewards(spec: RewardSpec, stop_ids: Collection[int]) -> dict[str, tuple[Reward, float]]:
    """Return the rewards of a training by name, each with its weight.

    Termination is a last token among ``stop_ids``, since texts are decoded without such tokens.
    """

    def shaped(reward: Reward) -> Reward:
        return lambda attempt: reward(attempt) if attempt.right or not spec.only_right else 0.0

    ends = {(token,) for token in stop_ids}
    rewards: dict[str, tuple[Reward, float]] = {
        "correctness": (lambda attempt: float(attempt.right), 1.0),
        "termination": (shaped(lambda attempt: float(attempt.token_ids[-1:] in ends)), spec.termination),
        "repetition": (shaped(repetition), spec.repetition),
    }
    return {name: (reward, weight) for name, (reward, weight) in rewards.items() if weight}


def trl_reward(name: str, reward: Reward) -> Callable[..., list[float]]:
    """Wrap a reward as a function of the columns that rollouts return; it raises UserError for a value not finite."""

    def values(
        completion_ids: list[list[int]], question_id: list[str], text: list[str], right: list[bool], **_: object
    ) -> list[float]:
        rows = zip(question_id, text, map(tuple, completion_ids), right, strict=True)
        found = [reward(Attempt(*row)) for row in rows]
        for question, value in zip(question_id, found, strict=True):
            if not math.isfinite(value):
                raise UserError(
                    f"The reward {name} of an answer to {question} is {value}.",
                    why="Its gradient would turn every weight of the model into NaN.",
                    do="Fix the reward so that it is finite for every text.",
                    code="reward-not-finite",
                )
        return found

    values.__name__ = name
    return values
