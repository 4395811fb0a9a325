"""Rewards: each a function of one answer; what is no finite number is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from noisy_student.errors import NotTrainable, UserError
from noisy_student.records import Answer, Label
from noisy_student.training.groups import Group, kinds
from noisy_student.training.grpo.lessons import lessons, visits, weight
from noisy_student.training.grpo.rewards import (
    Attempt,
    coin,
    correctness,
    counted_right,
    paid,
    repetition,
    rewards_of,
    termination,
)
from noisy_student.training.specs.grpo import GrpoSpec, RewardSpec


def attempt(text: str = "#### 4", *, last: int = 9, right: bool = True) -> Attempt:
    return Attempt("q", text, (5, last), right)


def test_only_being_right_is_paid_unless_asked_for() -> None:
    assert list(rewards_of(RewardSpec(), {9})) == ["correctness"]
    assert [correctness(attempt(right=right)) for right in (True, False)] == [1.0, 0.0]


def test_an_end_is_seen_in_the_tokens_and_not_in_the_text() -> None:
    ended = termination({9, 7})
    assert [ended(attempt(last=last)) for last in (9, 7, 5)] == [1.0, 1.0, 0.0]
    assert ended(Attempt("q", "", (), True)) == 0.0


@given(st.lists(st.sampled_from(["####", "4", "text ", "##"]), max_size=8).map(" ".join))
def test_marks_are_counted(text: str) -> None:
    count = text.count("####")
    assert repetition(attempt(text)) == (0.0 if count == 0 else 1.0 if count == 1 else -1.0)


def test_shaped_parts_are_paid_on_right_answers_only_unless_nothing_scales_them_up() -> None:
    shaped = RewardSpec(termination=0.1, repetition=0.2)
    rewards = rewards_of(shaped, {9})
    assert {name: weight for name, (_, weight) in rewards.items()} == {
        "correctness": 1.0, "termination": 0.1, "repetition": 0.2,
    }  # fmt: skip
    assert [rewards["termination"][0](attempt(right=right)) for right in (True, False)] == [1.0, 0.0]
    everywhere = rewards_of(RewardSpec(termination=0.1, only_right=False), {9})
    assert everywhere["termination"][0](attempt(right=False)) == 1.0
    with pytest.raises(UserError, match="scale_rewards"):
        GrpoSpec(rewards=RewardSpec(termination=0.1, only_right=False))
    GrpoSpec(rewards=RewardSpec(termination=0.1, only_right=False), scale_rewards="none")


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_no_number_is_refused_by_name(amount: float) -> None:
    with pytest.raises(UserError, match="The reward odd of an answer to q is"):
        paid("odd", lambda attempt: amount, [attempt()])


@pytest.mark.parametrize(("micro", "near"), [(5, 4), (7, 8), (60, 64), (30, 32)])
def test_a_micro_batch_that_does_not_divide_names_the_nearest_that_does(micro: int, near: int) -> None:
    with pytest.raises(UserError, match=f"Set grpo.micro_batch to {near}, "):
        GrpoSpec(micro_batch=micro)


@pytest.mark.parametrize("fields", [{"generations": 1}, {"beta": -0.1}, {"temperature": 0.0}, {"loss_type": "ppo"}])
def test_values_out_of_range_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GrpoSpec.model_validate(fields)


def test_steps_are_those_of_the_plan_under_its_protocol() -> None:
    plan = GrpoSpec(prompts=1, epochs=0.5, most_steps=1250)
    assert (plan.step_count(1000), plan.step_count(5000)) == (500, 1250)
    assert GrpoSpec(prompts=1, epochs=0.5, most_steps=2500).step_count(5000) == 2500


def test_labels_that_no_answer_can_reach_are_left_out_and_counted() -> None:
    made = [Label("a", "4", "t", "gold"), Label("a", "4", "u", "gold"), Label("b", "many", None, "vote"),
            Label("c", "7", None, "vote"), Label("d", "8", None, "vote")]  # fmt: skip
    found = lessons(made, fits={"a", "b", "c"})
    assert [label.question_id for label in found.labels] == ["a", "c"]
    assert (found.unreadable, found.too_long) == (("b",), ("d",))
    with pytest.raises(NotTrainable, match="Of 1 labels 1 are no number"):
        lessons(made[2:3], fits={"b"})


def test_weights_are_of_origin_and_agreement() -> None:
    gold, voted = Label("a", "4", None, "gold"), Label("b", "4", None, "vote", agreement=0.75)
    assert weight(gold, GrpoSpec(pseudo_weight=0.1)) == 1.0
    assert weight(voted, GrpoSpec(pseudo_weight=0.5)) == 0.5
    assert weight(voted, GrpoSpec(pseudo_weight=0.5, weigh_agreement=True)) == 0.375
    assert weight(Label("b", "4", None, "revealed"), GrpoSpec(pseudo_weight=0.1)) == 1.0


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 3))
def test_every_question_is_visited_before_any_is_visited_again(questions: int, rows: int, seed: int) -> None:
    order = visits(questions, rows, seed=seed)
    assert len(order) == rows
    for start in range(0, rows, questions):
        part = order[start : start + questions]
        assert len(set(part)) == len(part) and set(part) <= set(range(questions))
    assert order == visits(questions, rows + 5, seed=seed)[:rows]


def test_kinds_of_groups_are_counted() -> None:
    groups = [Group(0, "q", "gold", "4", 4, right) for right in (0, 4, 1, 3)]
    assert kinds(groups) == {"all-right": 1, "all-wrong": 1, "mixed": 2}


STRICT, LOOSE = Answer("4", "4", "hashes", True), Answer("4", "4", "last-number", False)
ANSWERS = [STRICT, LOOSE, None]


def test_what_counts_as_right_is_the_label_unless_a_control_says_otherwise() -> None:
    coins = [0, 2**63 - 1, 0]
    assert counted_right(RewardSpec(), ANSWERS, "4", coins) == [True, True, False]
    assert counted_right(RewardSpec(), ANSWERS, None, coins) == [False, False, False]
    assert counted_right(RewardSpec(kind="format"), ANSWERS, "5", coins) == [True, False, False]
    assert counted_right(RewardSpec(kind="random"), ANSWERS, "4", coins) == [True, False, True]


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9])
def test_the_coin_pays_as_often_as_gamma_says(gamma: float) -> None:
    spec = RewardSpec(kind="random", gamma=gamma)
    coins = [coin(1, f"q{n}", k=k, step=step) for n in range(20) for k in range(10) for step in range(20)]
    paid_out = counted_right(spec, [None] * len(coins), None, coins)
    # Four standard errors.
    assert abs(sum(paid_out) / len(coins) - gamma) < 4 * math.sqrt(gamma * (1 - gamma) / len(coins))
    assert len(set(coins)) == len(coins)


def test_gamma_is_of_the_coin_alone() -> None:
    with pytest.raises(UserError, match=r"gamma is 0\.3"):
        RewardSpec(kind="format", gamma=0.3)
