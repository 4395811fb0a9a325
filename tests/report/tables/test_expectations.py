"""Tables of criteria, predictions and decisions."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.report.tables.expectations import criteria_table, decision_table, next_step, predictions_table


def cells(table: Any, line: int = 0) -> dict[str, str]:
    return dict(zip((column.name for column in table.columns), table.lines[line].cells, strict=True))


def test_predictions_say_what_was_expected_and_what_came() -> None:
    row = {"name": "it", "condition": "filtered", "measure": "coverage", "above": 0.5, "below": None, "source": "x",
           "value": 0.2, "interval": [0.1, 0.3], "n": 100, "verdict": "failed"}  # fmt: skip
    table = predictions_table({"predictions": [row, {**row, "value": None, "interval": None, "verdict": None}]})
    assert cells(table)["Expected"] == "coverage of filtered above 50.0 %"
    assert (cells(table)["Found"], cells(table)["Verdict"]) == ("20.0 %", "failed")
    assert cells(table, 1)["Verdict"] == "not measured"


@pytest.mark.parametrize(
    ("expected", "words"), [("helps", "better"), ("hurts", "worse"), ("no-difference", "within ±2.0")]
)
def test_criteria_say_what_was_expected_of_which_comparison(expected: str, words: str) -> None:
    row = {"name": "it", "a": "grpo-baseline", "b": "baseline", "expected": expected, "margin": 0.02, "source": "",
           "difference": 0.037, "interval": [0.012, 0.062], "verdict": "helps", "answer": "unsure"}  # fmt: skip
    left = {**row, "difference": None, "interval": None, "verdict": None, "answer": None}
    table = criteria_table({"criteria": [row, left]})
    found = cells(table)
    assert (found["Criterion"], found["Expected"]) == ("grpo-baseline - baseline", words)
    assert (found["Points"], found["Answer"]) == ("+3.7", "unsure")
    assert cells(table, 1)["Answer"] == "not measured"
    assert criteria_table({}).lines == ()


ROWS = [
    {"if": "a is helps", "then": "v6", "because": "", "value": "hurts", "holds": False},
    {"if": "labels.votes.accuracy < 0.5", "then": "v2", "because": "more samples", "value": 0.41, "holds": True},
]


def test_the_branch_and_its_reason() -> None:
    results = {"decision": {"rows": ROWS, "taken": "v2", "because": "more samples"}}
    assert next_step(results) == "Next: v2: more samples."
    lines = decision_table(results).lines
    assert [line.cells for line in lines] == [
        ("a is helps", "hurts", "no", "v6", "–"),
        ("labels.votes.accuracy < 0.5", "41.0 %", "yes", "v2", "more samples"),
    ]
    assert [line.faint for line in lines] == [True, False]


def test_where_nothing_holds_the_last_rule_is_named() -> None:
    unknown = [{**ROWS[0], "value": None, "holds": None}]
    results = {"decision": {"rows": unknown, "taken": None, "because": ""}}
    assert "a is helps" in (next_step(results) or "")
    assert decision_table(results).lines[0].cells[1:3] == ("–", "unknown")


def test_a_study_without_a_tree_says_nothing() -> None:
    assert next_step({}) is None and next_step({"decision": None}) is None
    assert decision_table({"decision": None}).lines == ()
