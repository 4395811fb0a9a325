"""Criteria of success: what was expected of a declared comparison, and what its verdict says of that."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.errors import UserError
from noisy_student.records import Finding, Verdict
from noisy_student.study.results.findings import criteria
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import ContrastSettings, Settings


def settings(expected: Verdict | None) -> Settings:
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
    with pytest.raises(UserError, match="no test can show"):
        ContrastSettings(a="a", b="b", expected="undecided")


def test_the_plan_has_three_of_reinforcement() -> None:
    expected = [item.expected for item in resolve(Request("v4")).primary.values()]
    assert expected == ["no-difference", "helps", "helps", None]
