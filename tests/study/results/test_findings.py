"""Findings from outcomes, criteria of success against verdicts, and controls by the test of their pair."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused

from noisy_student.evaluation.contrast import Outcomes
from noisy_student.records import Finding, Verdict
from noisy_student.study.results.findings import beaten, criteria, findings
from noisy_student.study.settings.comparisons import ContrastSettings
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings


def settings(expected: Any) -> Settings:
    declared = ContrastSettings(a="grpo-baseline", b="baseline", margin=0.02, expected=expected, source="somebody")
    return resolve(Request("v4")).model_copy(update={"primary": {"it": declared}})


def finding(verdict: Verdict, interval: tuple[float, float] | None, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "name": "it", "a": "grpo-baseline", "b": "baseline", "difference": 0.01, "interval": interval, "p_value": 0.5,
        "p_adjusted": 0.5, "method": "", "primary": True, "family": "primary", "unit": "checkpoints", "seeds": 1,
        "n": 100, "margin": 0.02, "mde": None, "verdict": verdict,
    }  # fmt: skip
    return Finding(**{**fields, **changes})


@pytest.mark.parametrize(
    ("expected", "verdict", "interval", "answer"),
    [
        ("helps", "helps", (0.01, 0.05), "held"),
        ("helps", "hurts", (-0.05, -0.01), "failed"),
        ("helps", "no-difference", (-0.01, 0.01), "failed"),
        ("helps", "undecided", (-0.01, 0.05), "unsure"),
        ("hurts", "hurts", (-0.05, -0.01), "held"),
        ("no-difference", "no-difference", (-0.01, 0.01), "held"),
        ("no-difference", "undecided", (-0.01, 0.05), "unsure"),
        ("no-difference", "helps", (0.01, 0.05), "unsure"),  # certain, and perhaps within the margin
        ("no-difference", "helps", (0.03, 0.05), "failed"),
        ("no-difference", "hurts", (-0.05, -0.03), "failed"),
        ("no-difference", "undecided", None, "unsure"),
    ],
)
def test_answers(expected: Verdict, verdict: Verdict, interval: tuple[float, float] | None, answer: str) -> None:
    other = finding("helps", (0.1, 0.2), name="it", primary=False)
    (row,) = criteria(settings(expected), [other, finding(verdict, interval)])
    assert (row["answer"], row["verdict"], row["source"]) == (answer, verdict, "somebody")


def test_what_was_not_measured_has_no_answer() -> None:
    (row,) = criteria(settings("helps"), [])
    assert (row["answer"], row["difference"], row["verdict"]) == (None, None, None)


def test_a_comparison_of_which_nothing_is_expected_is_no_criterion() -> None:
    assert list(criteria(settings(None), [finding("helps", (0.1, 0.2))])) == []


def test_nobody_expects_to_be_undecided() -> None:
    with refused("field-invalid", "\"primary.grpo-learns.expected\" is 'undecided'"):
        resolve(Request("v4", overrides={"primary.grpo-learns.expected": "undecided"}))


def test_the_plan_has_three_of_reinforcement() -> None:
    expected = [item.expected for item in resolve(Request("v4")).primary.values()]
    assert expected == ["no-difference", "helps", "helps", None]


V4 = resolve(Request("v4"))
CONTROLS = [name for name, condition in V4.conditions.items() if condition.control_of is not None]
PAIR = {"a": "grpo-noisy-student", "b": "grpo-baseline-steps", "primary": False, "name": "x"}


def known(expected: bool | None) -> dict[str, bool | None]:
    """What is known of the one control that was run; of the others nothing."""
    return {**dict.fromkeys(CONTROLS), "grpo-baseline-steps": expected}


@pytest.mark.parametrize(
    ("difference", "p_adjusted", "expected"),
    [(0.02, 0.03, True), (0.02, 0.06, False), (-0.02, 0.03, False), (None, None, None), (0.02, None, None)],
)
def test_better_means_by_the_test(difference: float | None, p_adjusted: float | None, expected: bool | None) -> None:
    other = finding("helps", None, difference=0.5, p_adjusted=0.0)
    own = finding("undecided", None, **PAIR, difference=difference, p_adjusted=p_adjusted)
    assert beaten(V4, [other, own]) == known(expected)


def test_the_recipe_goes_before_the_questions() -> None:
    recipe = finding("undecided", None, **PAIR, difference=0.02, p_adjusted=0.3, unit="recipe")
    questions = finding("undecided", None, **PAIR, difference=0.02, p_adjusted=0.001)
    assert beaten(V4, [recipe, questions]) == known(False)


def test_what_was_not_run_is_not_known() -> None:
    assert beaten(V4, []) == known(None)


@pytest.mark.parametrize(("difference", "expected"), [(-0.02, True), (0.02, False)])
def test_a_comparison_may_name_the_control_first(difference: float, expected: bool) -> None:
    turned = {**PAIR, "a": PAIR["b"], "b": PAIR["a"]}
    own = finding("undecided", None, **turned, difference=difference, p_adjusted=0.01)
    assert beaten(V4, [own]) == known(expected)


STUDY = resolve(Request("v1-5"))
N = 400


def _right(count: int, *seeds: int, first: int = 0) -> dict[int, dict[str, float]]:
    """Right on ``count`` questions from ``first`` on, for each seed."""
    return {seed: {f"q{i:03}": float(first <= i < first + count) for i in range(N)} for seed in seeds or (1,)}


def _outcomes(**rows: dict[int, dict[str, float]]) -> dict[str, Outcomes]:
    return {name.replace("_", "-"): Outcomes(name.replace("_", "-"), rows[name]) for name in rows}


COMPLETE = _outcomes(
    base=_right(95),
    baseline=_right(100),
    baseline_steps=_right(106),
    filtered=_right(108),
    control=_right(100, first=40),
    oracle=_right(140),
)


def test_declared_comparisons_are_one_family_with_holm() -> None:
    made = {finding.name: finding for finding in findings(STUDY, COMPLETE)}
    primary = [made[name] for name in ("filtered-helps", "oracle-helps", "training-helps")]
    assert list(made)[:3] == [finding.name for finding in primary]
    assert [finding.difference for finding in primary] == pytest.approx([8 / N, 40 / N, 5 / N])
    # one-sided discordance: mid-p is 2 (1/2)^n - (1/2)^n
    p = [0.5**8, 0.5**40, 0.5**5]
    assert [finding.p_value for finding in primary] == pytest.approx(p)
    assert [finding.p_adjusted for finding in primary] == pytest.approx([2 * p[0], 3 * p[1], p[2]])
    assert [finding.verdict for finding in primary] == ["helps", "helps", "helps"]
    assert {(finding.family, finding.primary, finding.margin) for finding in primary} == {("primary", True, 0.02)}


def test_every_other_condition_is_exploratory_with_benjamini_hochberg() -> None:
    rest = findings(STUDY, COMPLETE)[3:]
    assert [(f.a, f.b, f.primary, f.verdict, f.margin) for f in rest] == [
        ("baseline-steps", "baseline", False, None, None),
        ("control", "baseline", False, None, None),
        ("filtered", "control", False, None, None),
    ]
    assert {f.name for f in rest} == {f"{f.a} against {f.b}" for f in rest}
    p = [f.p_value for f in rest]
    assert p[0] == pytest.approx(0.5**6)
    assert p[1] == 1.0
    assert rest[0].p_adjusted == pytest.approx(3 * p[0])


def test_a_declared_pair_is_never_compared_a_second_time_in_either_direction() -> None:
    made = findings(STUDY, COMPLETE)
    pairs = [frozenset((finding.a, finding.b)) for finding in made]
    assert len(set(pairs)) == len(pairs) == 6


def test_without_the_baseline_what_does_not_need_it_is_left() -> None:
    without = {name: item for name, item in COMPLETE.items() if name != "baseline"}
    assert [(finding.a, finding.b) for finding in findings(STUDY, without)] == [("filtered", "control")]
    combined = resolve(Request("combined"))
    outcomes = _outcomes(oracle=_right(140), pseudo_only=_right(100))
    (finding,) = findings(combined, outcomes)
    assert finding.name == "truth-helps"
    # Holm counts the seven comparisons that were declared, not the one that is left.
    assert finding.p_value == pytest.approx(0.5**40)
    assert finding.p_adjusted == pytest.approx(7 * 0.5**40, rel=1e-6, abs=0)


def test_a_missing_condition_takes_only_its_own_comparisons_away() -> None:
    without = {name: item for name, item in COMPLETE.items() if name not in ("oracle", "control")}
    assert [finding.name for finding in findings(STUDY, without)] == [
        "filtered-helps",
        "training-helps",
        "baseline-steps against baseline",
    ]


def test_nothing_graded_finds_nothing() -> None:
    assert findings(STUDY, {}) == []


def test_a_paused_run_without_a_common_seed_compares_what_it_can() -> None:
    outcomes = _outcomes(
        base=_right(95, 3),
        baseline=_right(100, 1, 2),
        filtered=_right(120, 3),
        oracle=_right(140, 2, 3),
        control=_right(90, 3),
    )
    made = findings(STUDY, outcomes)
    assert [(finding.name, finding.seeds, finding.unit) for finding in made] == [
        ("oracle-helps", 1, "checkpoints"),
        ("filtered against control", 1, "checkpoints"),
    ]


def test_three_seeds_put_the_questions_beside_the_recipe() -> None:
    settings = resolve(Request("v1-5", overrides={"seeds": [1, 2, 3]}))
    one = {1: _right(140)[1], 2: _right(150)[1], 3: _right(141)[1]}
    made = findings(
        settings, {"oracle": Outcomes("oracle", one), "baseline": Outcomes("baseline", _right(100, 1, 2, 3))}
    )
    assert [(f.name, f.unit, f.primary) for f in made] == [
        ("oracle-helps", "recipe", True),
        ("oracle-helps (questions)", "checkpoints", False),
    ]
    assert made[0].difference == pytest.approx((40 + 50 + 41) / 3 / N)


NOISE = _outcomes(
    **{
        "grpo_right_100": _right(120),
        "grpo_right_60": _right(115),
        "right_100": _right(120),
        "right_60": _right(90),
    }
)


def test_a_comparison_may_go_beyond_another() -> None:
    settings = resolve(Request("noise"))
    made = {finding.name: finding for finding in findings(settings, NOISE)}
    found = made["noise-costs-grpo-less"]
    # It loses 5 of the answers where the other loses 30.
    assert found.difference == pytest.approx(25 / N)
    assert (found.a, found.b) == ("(grpo-right-60 - grpo-right-100)", "(right-60 - right-100)")
    assert (found.primary, found.verdict) == (True, "helps")
    assert found.p_value is not None and found.p_adjusted == pytest.approx(len(settings.primary) * found.p_value)


@pytest.mark.parametrize("missing", ["grpo-right-60", "grpo-right-100", "right-60", "right-100"])
def test_without_one_of_the_four_there_is_nothing_to_go_beyond(missing: str) -> None:
    settings = resolve(Request("noise"))
    rest = {name: item for name, item in NOISE.items() if name != missing}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, rest)}
    other = {**NOISE, missing: Outcomes(missing, _right(100, 2))}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, other)}


def test_pairs_of_different_seeds_are_not_held_against_each_other() -> None:
    settings = resolve(Request("noise"))
    apart = {name: Outcomes(name, {2: item.by_seed[1]}) if "grpo" in name else item for name, item in NOISE.items()}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, apart)}
