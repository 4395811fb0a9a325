"""What an answer earns: small functions of one answer, and their sum as a trainer is given it. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from noisy_student.answers.hashes import MARK
from noisy_student.errors import UserError
from noisy_student.training.grpo_spec import RewardSpec


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer to a question: its text, its last token, and whether it reached the question's label."""

    question_id: str
    text: str
    token_ids: tuple[int, ...]
    right: bool


Reward = Callable[[Attempt], float]


def correctness(attempt: Attempt) -> float:
    """1 for the label's answer, else 0."""
    return float(attempt.right)


def termination(stop_ids: Collection[int]) -> Reward:
    """1 where the last token is a stop id: the text never shows it, since it is decoded without special tokens."""

    def ended(attempt: Attempt) -> float:
        return float(bool(attempt.token_ids) and attempt.token_ids[-1] in stop_ids)

    return ended


def repetition(attempt: Attempt) -> float:
    """1 for exactly one ``####``, -1 for more, 0 for none.

    >>> [repetition(Attempt("q", text, (), True)) for text in ("#### 4", "#### 4 #### 4", "4")]
    [1.0, -1.0, 0.0]
    """
    marks = attempt.text.count(MARK)
    return 0.0 if not marks else 1.0 if marks == 1 else -1.0


def where_right(reward: Reward) -> Reward:
    """The reward on right answers, 0 on others."""
    return lambda attempt: reward(attempt) if attempt.right else 0.0


def rewards_of(spec: RewardSpec, stop_ids: Collection[int]) -> dict[str, tuple[Reward, float]]:
    """The rewards that are paid, by name, each with its weight."""
    paid: dict[str, tuple[Reward, float]] = {"correctness": (correctness, 1.0)}
    shaped = {"termination": (termination(stop_ids), spec.termination), "repetition": (repetition, spec.repetition)}
    for name, (reward, weight) in shaped.items():
        if weight:
            paid[name] = (where_right(reward) if spec.only_right else reward, weight)
    return paid


def paid(name: str, reward: Reward, attempts: Sequence[Attempt]) -> list[float]:
    """What each attempt earns; UserError for what is no finite number, before it becomes a gradient."""
    amounts = [reward(attempt) for attempt in attempts]
    for attempt, amount in zip(attempts, amounts, strict=True):
        if not math.isfinite(amount):
            raise UserError(
                f"The reward {name} of an answer to {attempt.question_id} is {amount}.",
                why="It would make every weight of the model that number.",
                do="Mend the reward so that it is finite for every text.",
            )
    return amounts
