"""Verdicts in words and the sentence that answers the question."""

from __future__ import annotations

import pytest

from noisy_student.report.wording import headline, sentence, verdict_words

FINDING = {
    "name": "helps",
    "a": "noisy-student",
    "b": "baseline",
    "difference": 0.012,
    "interval": [-0.008, 0.032],
    "p_value": 0.2,
    "p_adjusted": 0.4,
    "primary": True,
    "unit": "checkpoints",
    "margin": 0.02,
    "mde": 0.031,
    "verdict": "undecided",
}


def control(status: str, beaten: bool | None = None, name: str = "control") -> dict[str, object]:
    return {"name": name, "status": status, "control_of": "noisy-student", "beaten": beaten}


def test_undecided_names_the_size():
    assert headline({"findings": [FINDING], "conditions": []}) == (
        "noisy-student - baseline: +1.2 points [-0.8, +3.2], undecided at this sample size "
        "(minimum detectable effect with 80 % power: 3.1)"
    )


def test_an_interval_without_zero_that_is_undecided_names_its_p():
    finding = FINDING | {"difference": 0.1, "interval": [0.012, 0.186], "p_adjusted": 0.0527}
    assert headline({"findings": [finding], "conditions": []}) == (
        "noisy-student - baseline: +10.0 points [+1.2, +18.6], undecided: p = 0.0527 after correction for the study's "
        "comparisons"
    )


def test_a_control_of_lessons_says_nothing_of_a_method():
    lost = control("done", False)
    same = [{"name": name, "learns_from": ["gold", "labels.votes"]} for name in ("noisy-student", "baseline")]
    assert verdict_words(FINDING | {"verdict": "helps"}, [*same, lost]) == "helps"
    other = [same[0], {"name": "baseline", "learns_from": ["gold"]}]
    words = "helps (beats 0 of 1 control: not control)"
    assert verdict_words(FINDING | {"verdict": "helps"}, [*other, lost]) == words


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], "helps (controls not run)"),
        ([control("skipped")], "helps (controls not run)"),
        ([control("skipped"), control("failed", name="b")], "helps (controls not run)"),
        # One that was not run for a seed was not run.
        ([control("done", True), control("failed", True)], "helps (controls not run)"),
        ([control("done", True), control("done", True)], "helps"),
        ([control("done", True), control("done", True, "b")], "helps"),
        ([control("done", True), control("done", None, "b")], "helps (beats 1 of 2 controls: not b)"),
        (
            [control("done", True), control("done", True, "b"), control("done", False, "random-sample")],
            "helps (beats 2 of 3 controls: not random-sample)",
        ),
        (
            [control("done", True), control("done", False, "b"), control("left", None, "c")],
            "helps (beats 1 of 3 controls: not b; not run: c)",
        ),
        ([{"name": "noisy-student", "control_of": "filtered"}], "better (itself a control, so no claim)"),
        # However the pair learns: a control exists to be beaten.
        (
            [
                {"name": "noisy-student", "control_of": "filtered", "learns_from": ["gold"]},
                {"name": "baseline", "learns_from": ["gold"]},
            ],
            "better (itself a control, so no claim)",
        ),
        ([{"name": "noisy-student", "learns_from": ["gold", "labels.votes"]}], "helps (controls not run)"),
        ([{"name": "noisy-student", "learns_from": ["gold", "revealed"]}], "helps"),
    ],
)
def test_a_gain_needs_its_controls(conditions, words):
    assert verdict_words(FINDING | {"verdict": "helps"}, conditions) == words


@pytest.mark.parametrize(("unit", "words"), [("checkpoints", "these checkpoints"), ("recipe", "this recipe")])
def test_a_verdict_says_what_it_speaks_of(unit, words):
    text = sentence(FINDING | {"verdict": "hurts", "unit": unit, "difference": -0.05, "interval": None}, [])
    assert text == f"noisy-student - baseline: -5.0 points, hurts for {words}"


def test_no_difference_names_the_margin():
    assert verdict_words(FINDING | {"verdict": "no-difference"}, []) == "no difference beyond ±2.0"


def test_exploratory_findings_have_no_verdict_even_if_one_is_written():
    assert verdict_words(FINDING | {"primary": False, "verdict": "helps"}, []) == "exploratory"


def test_what_was_not_measured_is_not_zero():
    assert sentence(FINDING | {"difference": None, "interval": None}, []) == "noisy-student - baseline: not measured"


def test_the_first_primary_finding_answers():
    exploratory = FINDING | {"primary": False, "a": "oracle"}
    assert headline({"findings": [exploratory, FINDING]}).startswith("noisy-student - baseline: +1.2")
    assert "no primary finding" in headline({"findings": [exploratory]})
    assert "no primary finding" in headline({})
