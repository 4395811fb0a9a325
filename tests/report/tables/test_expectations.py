"""The tables of what was expected: in words, with what came of it."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.report.tables.expectations import criteria_table, predictions_table


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
    ("expected", "words"), [("helps", "better"), ("hurts", "worse"), ("no-difference", "alike, within 2.0")]
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
