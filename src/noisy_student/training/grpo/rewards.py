"""What an answer earns: whether it counts as right, small functions of one answer, and their sum. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.answers.equivalence import same
from noisy_student.answers.hashes import MARK
from noisy_student.errors import UserError
from noisy_student.records import Answer
from noisy_student.training.specs.grpo import RewardSpec


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer to a question: its text, its last token, and whether it counts as right."""

    question_id: str
    text: str
    token_ids: tuple[int, ...]
    right: bool


Reward = Callable[[Attempt], float]


def counted_right(
    spec: RewardSpec, answers: Sequence[Answer | None], label: str | None, coins: Sequence[int]
) -> list[bool]:
    """Which answers count as right: those that reach the label, or what a control puts in its place.

    ``coins`` has a seed for each answer (``coin``), of which ``random`` makes a draw that pays with probability
    ``gamma``; ``format`` takes every answer that stands after a complete ``####``.

    >>> four = Answer("4", "4", "hashes", True)
    >>> [counted_right(RewardSpec(kind=kind), [four, None], "5", [0, 1]) for kind in ("label", "format", "random")]
    [[False, False], [True, False], [True, True]]
    """
    if spec.kind == "random":
        return [number < spec.gamma * 2**63 for number in coins]
    if spec.kind == "format":
        return [answer is not None and answer.strict for answer in answers]
    return [label is not None and answer is not None and same(answer.canonical, label) for answer in answers]


def coin(run_seed: int, question_id: str, *, k: int, step: int) -> int:
    """The seed of an answer's random reward, in [0, 2^63): it depends on question, answer and step alone."""
    return seeds.seed(run_seed, "random-reward", question_id, k=k, step=step)


def correctness(attempt: Attempt) -> float:
    """1 for an answer that counts as right, else 0."""
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
