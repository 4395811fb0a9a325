"""The rules on windows made by hand: each threshold from both sides, and causes before what hangs on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from noisy_student.training.health.checkup import misleading
from noisy_student.training.health.rules import RULES, diagnose
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.measurements import Group, Point
from noisy_student.training.specs.grpo import GrpoSpec

GRPO = GrpoSpec(max_new_tokens=96, learning_rate=3e-4)
SETUP = Setup(learning_rate=3e-4, dtype="float32", grpo=GRPO, gold=500)
FACT = {
    "right": 0.5, "mixed": 0.75, "readable": 1.0, "stopped": 1.0, "looped": 0.0, "cut_looped": 0.0, "spread": 0.3,
    "longest_ended": 60, "mismatch": 1e-6, "apart_nats": 1e-5, "apart_tokens": 100,
}  # fmt: skip
DEV = [True] * 40 + [False] * 40


def group(step: int, number: int, right: int, **changes: Any) -> Group:
    """The group of question ``number`` of a step, eight answers of which most say that number."""
    made = Group(step, f"q{step}-{number}", "gold", "4", answers=8, right=right, leading=str(10 * step + number))
    return replace(made, **changes)


def window(*, steps: int = 30, setup: Setup = SETUP, counts: tuple[int, ...] = (0, 2, 4, 8), **facts: Any) -> Window:
    """A healthy window with some facts of its latest ten steps changed."""
    rows = [{**FACT, "step": step, **(facts if step >= steps - 10 else {})} for step in range(steps)]
    for step in (0, 10, 20):
        rows[step].setdefault("kl", 0.002 * step)
    groups = [group(step, number, each) for step in range(steps) for number, each in enumerate(counts)]
    points = [Point(step + 1, 0.05, 1.0, grad_norm=0.4, entropy=0.3, reward=0.5) for step in range(steps)]
    checks = [{"step": 0, "dev": DEV, "dev_leading": 0.05}]
    checks.append({"step": steps, "moved": 1.0, "change": 0.01, "dev": DEV, "dev_leading": 0.05})
    return Window(setup, steps, points, rows, groups, checks)


def names(given: Window) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(given)]


def with_drift(given: Window, drift: dict[int, float]) -> Window:
    """The window with these divergences in place of its own."""
    rows = [{**{name: value for name, value in row.items() if name != "kl"}} for row in given.facts]
    for step, nats in drift.items():
        rows[step]["kl"] = nats
    return replace(given, facts=rows)


def ending_in(given: Window, counts: tuple[int, ...]) -> Window:
    """The window with so many right answers in the groups of its last ten steps."""
    kept = [each for each in given.groups if each.step < given.step - 10]
    last = [
        group(step, number, each) for step in range(given.step - 10, given.step) for number, each in enumerate(counts)
    ]
    return replace(given, groups=[*kept, *last])


def with_check(given: Window, **measured: Any) -> Window:
    return replace(given, checks=[*given.checks[:-1], {**given.checks[-1], **measured}])


def test_nothing_is_found_where_all_is_well() -> None:
    assert names(window()) == []


def test_all_rules_apply_to_grpo_and_three_to_fine_tuning() -> None:
    assert [rule.name for rule in RULES if not rule.needs_answers] == [
        "updates-swallowed",
        "learning-rate-too-high",
        "learning-rate-too-low",
    ]


def test_names_are_one_word_each_and_what_is_explained_exists() -> None:
    every = [rule.name for rule in RULES]
    assert len(set(every)) == len(every)
    for place, rule in enumerate(RULES):
        assert set(rule.explains) <= set(every[place + 1 :]), "a rule is asked before what it explains"


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        ("answers-never-end", {"stopped": 0.09, "readable": 0.5}, {"stopped": 0.09, "readable": 0.9}),
        ("cap-too-short", {"stopped": 0.88, "readable": 0.88}, {"stopped": 0.91, "readable": 0.88}),
        ("degenerate-repetition", {"looped": 0.11}, {"looped": 0.09}),
    ],
)
def test_how_answers_end(name: str, found: dict[str, float], not_found: dict[str, float]) -> None:
    assert names(window(**found)) == [name]
    assert names(window(**not_found)) == []


def test_answers_that_are_cut_in_a_circle_need_no_more_room() -> None:
    assert names(window(stopped=0.8, readable=0.8, looped=0.15, cut_looped=0.15)) == ["degenerate-repetition"]
    assert names(window(stopped=0.8, readable=0.8, looped=0.05, cut_looped=0.05)) == ["cap-too-short"]


def test_groups_are_too_small_only_where_larger_ones_would_be_mixed() -> None:
    small = replace(SETUP, grpo=GRPO.model_copy(update={"generations": 2}))
    pairs = window(setup=small)
    # A third of the questions are a matter of chance, but two answers to each seldom show it.
    chance = [replace(each, answers=2, right=each.right // 4) for each in window(counts=3 * (0, 4, 8, 0)).groups]
    assert names(replace(pairs, groups=chance)) == ["group-too-small"]
    certain = [replace(each, answers=2, right=2 * (each.right > 0)) for each in window(counts=3 * (0, 8, 8, 0)).groups]
    assert names(replace(pairs, groups=certain)) == ["pool-all-right"]


@pytest.mark.parametrize(
    ("right", "name"),
    [((0, 0, 0, 0, 1), None), ((0, 0, 0, 0, 0, 1), "pool-all-wrong"), ((8,) * 5 + (7,), "pool-all-right")],
)
def test_questions_that_teach_nothing(right: tuple[int, ...], name: str | None) -> None:
    assert names(window(counts=right)) == ([] if name is None else [name])


def test_an_adapter_at_the_rate_of_full_fine_tuning_is_told_so() -> None:
    still = with_drift(window(setup=replace(SETUP, adapter=True)), {10: 1e-6, 20: 9e-5})
    (found,) = diagnose(still)
    assert found.name == "learning-rate-too-low"
    assert "ten times" in found.cause
    assert "10 times its lora.rate_factor" in found.remedy
    assert names(with_drift(still, {10: 1e-6, 20: 2e-4})) == []


def test_an_adapter_in_fine_tuning_is_judged_by_its_own_size() -> None:
    sft = Window(
        Setup(1e-6, "float32", adapter=True),
        30,
        [Point(30, 0.5, 1.0)],
        checks=[{"step": 30, "moved": 1.0, "change": 0.001}],
    )
    assert names(sft) == ["learning-rate-too-low"]
    assert names(with_check(sft, change=0.02)) == []
    assert names(replace(sft, setup=replace(sft.setup, adapter=False))) == []


def test_a_rush_from_the_start_that_costs_right_answers_is_too_high_a_rate() -> None:
    rushed = with_drift(window(), {10: 0.2, 20: 0.4})
    assert names(rushed) == ["no-anchor-drift"], "rewards have not fallen"
    fallen = ending_in(rushed, (0, 1, 2, 3))
    assert names(fallen) == ["learning-rate-too-high"]
    assert names(ending_in(rushed, (0, 2, 4, 7))) == ["no-anchor-drift"], "an answer in eight is chance"
    assert names(ending_in(rushed, (1, 4, 6, 8))) == [], "rewards have risen"
    assert names(with_drift(fallen, {10: 0.09, 20: 0.09})) == [], "it has not gone far"
    assert "--set grpo.learning_rate=3e-05" in diagnose(fallen)[0].remedy


def test_with_an_anchor_there_is_no_drift_without_one() -> None:
    anchored = replace(SETUP, grpo=GRPO.model_copy(update={"beta": 0.04}))
    assert names(with_drift(window(setup=anchored), {10: 0.05, 20: 0.4})) == []


def test_a_loss_on_own_examples_that_rises_is_too_high_a_rate() -> None:
    checks = [{"step": 0, "own_loss": 0.5}, {"step": 30, "own_loss": 0.65, "moved": 1.0, "change": 0.1}]
    sft = Window(Setup(1e-2, "float32"), 30, [], checks=checks)
    assert names(sft) == ["learning-rate-too-high"]
    assert names(with_check(sft, own_loss=0.59)) == [], "a tenth of a nat at least"
    assert names(replace(sft, checks=checks[1:])) == [], "of one check nothing is known"


def test_with_several_updates_a_batch_steps_are_those_of_the_optimiser() -> None:
    twice = replace(SETUP, grpo=GRPO.model_copy(update={"num_iterations": 2}))
    given = with_drift(window(setup=twice), {10: 0.15, 14: 0.3})
    assert given.kl_to_start == [(20, 0.15), (28, 0.3)]
    assert names(ending_in(given, (0, 1, 2, 3))) == ["learning-rate-too-high"]


def test_while_the_rate_warms_up_a_model_may_stand_still() -> None:
    still = with_drift(window(), {10: 1e-6, 20: 2e-6})
    cold = [replace(point, learning_rate=3e-5) for point in still.points]
    assert names(replace(still, points=cold)) == []
    assert names(replace(still, points=[replace(point, learning_rate=3e-4) for point in cold])) == [
        "learning-rate-too-low"
    ]


def test_of_too_few_groups_nothing_is_said() -> None:
    alone = replace(SETUP, grpo=GRPO.model_copy(update={"prompts": 1}))
    few = window(setup=alone, counts=(0,))
    assert names(few) == ["pool-all-wrong"], "thirty groups of thirty steps"
    assert names(replace(few, groups=few.groups[1:])) == []


def test_weights_in_half_precision_must_move() -> None:
    half = window(setup=replace(SETUP, dtype="bfloat16"), mismatch=0.3, apart_nats=0.5)
    assert names(with_check(half, moved=0.4)) == ["updates-swallowed"]
    assert names(with_check(half, moved=0.6)) == []
    assert names(with_check(window(), moved=0.4)) == [], "float32 keeps what is small"


@pytest.mark.parametrize("nats", [0.02, float("nan")])
def test_another_model_in_sampling_explains_everything_else(nats: float) -> None:
    assert names(window(mismatch=nats, counts=(0,))) == ["template-mismatch"]
    half = replace(SETUP, dtype="bfloat16")
    assert names(window(setup=half, mismatch=0.5, apart_nats=20.0)) == ["template-mismatch"]


def test_one_unreadable_label_in_a_hundred_is_let_pass() -> None:
    assert names(window(setup=replace(SETUP, unreadable=5))) == []
    assert names(window(setup=replace(SETUP, unreadable=6))) == ["unreadable-gold"]


def test_conditions_that_do_not_hang_together_are_both_named() -> None:
    assert names(window(setup=replace(SETUP, unreadable=50), stopped=0.5, readable=0.5)) == [
        "unreadable-gold",
        "cap-too-short",
    ]


def test_one_answer_to_most_questions_is_a_collapse_unless_it_is_the_truth() -> None:
    alike = window()
    same = replace(alike, groups=[replace(each, leading="20") for each in alike.groups])
    assert names(same) == ["one-answer"]
    assert names(with_check(same, dev_leading=0.8)) == [], "nine of ten true answers may well be yes"


def test_rewards_that_hold_while_dev_falls_are_a_collapse() -> None:
    fallen = [True] * 25 + [False] * 55
    assert names(with_check(window(), dev=fallen)) == ["collapse"]
    assert names(with_check(window(), dev=[True] * 38 + [False] * 42)) == [], "two of eighty are chance"
    assert names(with_check(window(right=0.3), dev=fallen)) == [], "rewards fell with it"


def test_what_misleads_is_said_of_a_trainers_own_numbers() -> None:
    calm = window()
    odd = replace(
        calm,
        points=[*calm.points[:-1], Point(30, -0.0003, 1.0, grad_norm=0.4, reward_std=0.5, mean_terminated_length=0.0)],
    )
    told = " ".join(misleading(odd))
    for word in (
        "near 0 by construction",
        "norm is 0.4",
        "reward_std 0.50",
        "it is 0.30",
        "not logged at beta 0",
        "no answer ended",
    ):
        assert word in told
    flat = replace(odd, facts=[*odd.facts[:-1], {**odd.facts[-1], "spread": 0.0}])
    assert "nothing was learned" in " ".join(misleading(flat)) and "by construction" not in " ".join(misleading(flat))
    assert list(misleading(Window(Setup(1e-3, "float32"), 30, [Point(30, 0.001, 1.0)]))) == [], (
        "a fine-tuning loss near 0 is one"
    )
