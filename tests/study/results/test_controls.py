"""Controls: a condition must be better than its own, by the test of the pair."""

from __future__ import annotations

import pytest
from study.results.test_findings import finding

from noisy_student.study.results.findings import beaten
from noisy_student.study.settings.files import Request, resolve

SETTINGS = resolve(Request("v4"))
CONTROLS = [name for name, condition in SETTINGS.conditions.items() if condition.control_of is not None]
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
    assert beaten(SETTINGS, [other, own]) == known(expected)


def test_the_recipe_goes_before_the_questions() -> None:
    recipe = finding("undecided", None, **PAIR, difference=0.02, p_adjusted=0.3, unit="recipe")
    questions = finding("undecided", None, **PAIR, difference=0.02, p_adjusted=0.001)
    assert beaten(SETTINGS, [recipe, questions]) == known(False)


def test_what_was_not_run_is_not_known() -> None:
    assert beaten(SETTINGS, []) == known(None)


@pytest.mark.parametrize(("difference", "expected"), [(-0.02, True), (0.02, False)])
def test_a_comparison_may_name_the_control_first(difference: float, expected: bool) -> None:
    turned = {**PAIR, "a": PAIR["b"], "b": PAIR["a"]}
    own = finding("undecided", None, **turned, difference=difference, p_adjusted=0.01)
    assert beaten(SETTINGS, [own]) == known(expected)
