"""Rewards of single answers: 1 for a right one, small extra rewards, and their weights. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.answers.hashes import MARK
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


def reward_seed(run_seed: int, question_id: str, *, k: int, step: int) -> int:
    """Return the seed of an answer's reward in [0, 2^63); it depends on run, question, answer and step alone."""
    return seeds.seed(run_seed, "random-reward", question_id, k=k, step=step)


def correctness(attempt: Attempt) -> float:
    """Return 1 for an answer that counts as right, else 0."""
    return float(attempt.right)


def termination(stop_ids: Collection[int]) -> Reward:
    """Build the reward of 1 for a last token among ``stop_ids``; texts are decoded without such tokens."""
    return lambda attempt: float(bool(attempt.token_ids) and attempt.token_ids[-1] in stop_ids)


def repetition(attempt: Attempt) -> float:
    """Return 1 for exactly one ``####``, -1 for more, 0 for none.

    >>> [repetition(Attempt("q", text, (), True)) for text in ("#### 4", "#### 4 #### 4", "4")]
    [1.0, -1.0, 0.0]
    """
    marks = attempt.text.count(MARK)
    return 0.0 if not marks else 1.0 if marks == 1 else -1.0


def weighted_rewards(spec: RewardSpec, stop_ids: Collection[int]) -> dict[str, tuple[Reward, float]]:
    """Return the rewards of a training by name, each with its weight."""

    def shaped(reward: Reward) -> Reward:
        return lambda attempt: reward(attempt) if attempt.right or not spec.only_right else 0.0

    rewards: dict[str, tuple[Reward, float]] = {
        "correctness": (correctness, 1.0),
        "termination": (shaped(termination(stop_ids)), spec.termination),
        "repetition": (shaped(repetition), spec.repetition),
    }
    return {name: (reward, weight) for name, (reward, weight) in rewards.items() if weight}


def reward_values(name: str, reward: Reward, attempts: Sequence[Attempt]) -> list[float]:
    """Return the reward of each attempt; raises UserError for a value that is not finite."""
    values = [reward(attempt) for attempt in attempts]
    for attempt, value in zip(attempts, values, strict=True):
        if not math.isfinite(value):
            raise UserError(
                f"The reward {name} of an answer to {attempt.question_id} is {value}.",
                why="Its gradient would turn every weight of the model into NaN.",
                do="Fix the reward so that it is finite for every text.",
                code="reward-not-finite",
            )
    return values
