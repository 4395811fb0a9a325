"""Findings from outcomes: families, adjustments, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisy_student.evaluation.contrast import Outcomes
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import plan
from noisy_student.study.results.results import collect, findings
from noisy_student.study.settings.files import Request, resolve

SETTINGS = resolve(Request("v1-5"))
N = 400


def _right(count, *seeds, first=0):
    """Right on ``count`` questions from ``first`` on, for each seed."""
    return {seed: {f"q{i:03}": float(first <= i < first + count) for i in range(N)} for seed in seeds or (1,)}


def _outcomes(**rows):
    return {name.replace("_", "-"): Outcomes(name.replace("_", "-"), rows[name]) for name in rows}


COMPLETE = _outcomes(
    base=_right(95),
    baseline=_right(100),
    baseline_steps=_right(106),
    filtered=_right(108),
    control=_right(100, first=40),
    oracle=_right(140),
)


def test_declared_comparisons_are_one_family_with_holm():
    made = {finding.name: finding for finding in findings(SETTINGS, COMPLETE)}
    primary = [made[name] for name in ("filtered-helps", "oracle-helps", "training-helps")]
    assert list(made)[:3] == [finding.name for finding in primary]
    assert [finding.difference for finding in primary] == pytest.approx([8 / N, 40 / N, 5 / N])
    # one-sided discordance: mid-p is 2 (1/2)^n - (1/2)^n
    p = [0.5**8, 0.5**40, 0.5**5]
    assert [finding.p_value for finding in primary] == pytest.approx(p)
    assert [finding.p_adjusted for finding in primary] == pytest.approx([2 * p[0], 3 * p[1], p[2]])
    assert [finding.verdict for finding in primary] == ["helps", "helps", "helps"]
    assert {(finding.family, finding.primary, finding.margin) for finding in primary} == {("primary", True, 0.02)}


def test_every_other_condition_is_exploratory_with_benjamini_hochberg():
    rest = findings(SETTINGS, COMPLETE)[3:]
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


def test_a_declared_pair_is_never_compared_a_second_time_in_either_direction():
    made = findings(SETTINGS, COMPLETE)
    pairs = [frozenset((finding.a, finding.b)) for finding in made]
    assert len(set(pairs)) == len(pairs) == 6


def test_without_the_baseline_what_does_not_need_it_is_left():
    without = {name: item for name, item in COMPLETE.items() if name != "baseline"}
    assert [(finding.a, finding.b) for finding in findings(SETTINGS, without)] == [("filtered", "control")]
    combined = resolve(Request("combined"))
    outcomes = _outcomes(oracle=_right(140), pseudo_only=_right(100))
    (finding,) = findings(combined, outcomes)
    assert finding.name == "truth-helps"
    # Holm counts the seven comparisons that were declared, not the one that is left.
    assert finding.p_value == pytest.approx(0.5**40)
    assert finding.p_adjusted == pytest.approx(7 * 0.5**40, rel=1e-6, abs=0)


def test_a_missing_condition_takes_only_its_own_comparisons_away():
    without = {name: item for name, item in COMPLETE.items() if name not in ("oracle", "control")}
    assert [finding.name for finding in findings(SETTINGS, without)] == [
        "filtered-helps",
        "training-helps",
        "baseline-steps against baseline",
    ]


def test_nothing_graded_finds_nothing():
    assert findings(SETTINGS, {}) == []


def test_a_paused_run_without_a_common_seed_compares_what_it_can():
    outcomes = _outcomes(
        base=_right(95, 3),
        baseline=_right(100, 1, 2),
        filtered=_right(120, 3),
        oracle=_right(140, 2, 3),
        control=_right(90, 3),
    )
    made = findings(SETTINGS, outcomes)
    assert [(finding.name, finding.seeds, finding.unit) for finding in made] == [
        ("oracle-helps", 1, "checkpoints"),
        ("filtered against control", 1, "checkpoints"),
    ]


def test_three_seeds_put_the_questions_beside_the_recipe():
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


def test_a_run_that_did_nothing_says_so_of_every_condition(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    made = plan(resolve(Request("v1-5", overrides={"model.id": str(tmp_path)})))
    results = collect(made, Result({}, {}), Store(tmp_path / "store"))
    assert [row["status"] for row in results["conditions"]] == ["left"] * len(made.settings.conditions)
    assert {row["accuracy"] for row in results["conditions"]} == {None}
    assert results["findings"] == results["gap_recovered"] == []
    assert [row["by_level"] for row in results["labels"]] == [[]]
    assert (results["study"], results["schema"], results["data"]["counts"]) == ("v1-5", 1, None)


NOISE = _outcomes(
    **{
        "grpo_right_100": _right(120),
        "grpo_right_60": _right(115),
        "right_100": _right(120),
        "right_60": _right(90),
    }
)


def test_a_comparison_may_go_beyond_another():
    settings = resolve(Request("noise"))
    made = {finding.name: finding for finding in findings(settings, NOISE)}
    found = made["noise-costs-grpo-less"]
    # It loses 5 of the answers where the other loses 30.
    assert found.difference == pytest.approx(25 / N)
    assert (found.a, found.b) == ("(grpo-right-60 - grpo-right-100)", "(right-60 - right-100)")
    assert (found.primary, found.verdict) == (True, "helps")
    assert found.p_value is not None and found.p_adjusted == pytest.approx(len(settings.primary) * found.p_value)


@pytest.mark.parametrize("missing", ["grpo-right-60", "grpo-right-100", "right-60", "right-100"])
def test_without_one_of_the_four_there_is_nothing_to_go_beyond(missing):
    settings = resolve(Request("noise"))
    rest = {name: item for name, item in NOISE.items() if name != missing}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, rest)}
    other = {**NOISE, missing: Outcomes(missing, _right(100, 2))}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, other)}


def test_pairs_of_different_seeds_are_not_held_against_each_other():
    settings = resolve(Request("noise"))
    apart = {name: Outcomes(name, {2: item.by_seed[1]}) if "grpo" in name else item for name, item in NOISE.items()}
    assert "noise-costs-grpo-less" not in {finding.name for finding in findings(settings, apart)}
