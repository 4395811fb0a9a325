"""Rewards: each a function of one answer; a value that is not finite is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student import seeds as seeded
from noisy_student.records import Answer
from noisy_student.training.grpo.rewards import Attempt, counted_right, repetition, trl_reward, weighted_rewards
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.rewards import REWARDS, AnswerGroup, RewardKind, RewardSpec


def attempt(text: str = "#### 4", *, last: int = 9, right: bool = True) -> Attempt:
    return Attempt("q", text, (5, last), right)


def test_only_being_right_is_paid_unless_asked_for() -> None:
    ((name, (correctness, weight)),) = weighted_rewards(RewardSpec(), {9}).items()
    assert (name, weight) == ("correctness", 1.0)
    assert [correctness(attempt(right=right)) for right in (True, False)] == [1.0, 0.0]


def test_an_end_is_seen_in_the_tokens_and_not_in_the_text() -> None:
    ended, _ = weighted_rewards(RewardSpec(termination=1.0), {9, 7})["termination"]
    assert [ended(attempt(last=last)) for last in (9, 7, 5)] == [1.0, 1.0, 0.0]
    assert ended(Attempt("q", "", (), True)) == 0.0


@given(st.lists(st.sampled_from(["####", "4", "text ", "##"]), max_size=8).map(" ".join))
def test_marks_are_counted(text: str) -> None:
    count = text.count("####")
    assert repetition(attempt(text)) == (0.0 if count == 0 else 1.0 if count == 1 else -1.0)


def test_shaped_parts_are_paid_on_right_answers_only_unless_nothing_scales_them_up() -> None:
    shaped = RewardSpec(termination=0.1, repetition=0.2)
    rewards = weighted_rewards(shaped, {9})
    assert {name: weight for name, (_, weight) in rewards.items()} == {
        "correctness": 1.0, "termination": 0.1, "repetition": 0.2,
    }  # fmt: skip
    assert [rewards["termination"][0](attempt(right=right)) for right in (True, False)] == [1.0, 0.0]
    everywhere = weighted_rewards(RewardSpec(termination=0.1, only_right=False), {9})
    assert everywhere["termination"][0](attempt(right=False)) == 1.0
    with refused("reward-scaled-up", "grpo.scale_rewards"):
        GrpoSpec(rewards=RewardSpec(termination=0.1, only_right=False))
    GrpoSpec(rewards=RewardSpec(termination=0.1, only_right=False), scale_rewards="none")


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_no_number_is_refused_by_name(amount: float) -> None:
    with refused("reward-not-finite", "The reward odd of an answer to q", str(amount)):
        trl_reward("odd", lambda attempt: amount)([[5, 9]], ["q"], ["#### 4"], [True])


STRICT, LOOSE = Answer("4", "4", "hashes", True), Answer("4", "4", "last-number", False)
ANSWERS = [STRICT, LOOSE, None]


def group(label: str | None, seeds: list[int], answers: list[Answer | None] = ANSWERS) -> AnswerGroup:
    return AnswerGroup("q", ["" for _ in answers], answers, label, seeds)


def test_the_label_decides_unless_a_control_does() -> None:
    seeds = [0, 2**63 - 1, 0]
    assert counted_right(RewardSpec(), group("4", seeds)) == [True, True, False]
    assert counted_right(RewardSpec(), group(None, seeds)) == [False, False, False]
    assert counted_right(RewardSpec(kind="format"), group("5", seeds)) == [True, False, False]
    assert counted_right(RewardSpec(kind="random"), group("4", seeds)) == [True, False, True]


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9])
def test_random_rewards_are_as_frequent_as_gamma(gamma: float) -> None:
    spec = RewardSpec(kind="random", gamma=gamma)
    seeds = [
        seeded.seed(1, "random-reward", f"q{n}", k=k, step=step)
        for n in range(20)
        for k in range(10)
        for step in range(20)
    ]
    right = counted_right(spec, group(None, seeds, [None] * len(seeds)))
    # Four standard errors.
    assert abs(sum(right) / len(seeds) - gamma) < 4 * math.sqrt(gamma * (1 - gamma) / len(seeds))
    assert len(set(seeds)) == len(seeds)


def test_a_kind_must_judge_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REWARDS._rows, "short", RewardKind(lambda group, spec: [True]))
    with refused("reward-invalid", '"short" judged 1 of 3 answers to q'):
        counted_right(RewardSpec(kind="short"), group("4", [0, 0, 0]))
