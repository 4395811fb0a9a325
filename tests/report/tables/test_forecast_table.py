"""What a run was forecast to take beside what it took, in a table and in one sentence."""

from __future__ import annotations

from typing import Any

from noisy_student.report.tables.labels import forecast_table, forecast_words

KEPT: dict[str, Any] = {
    "cpu_seconds": 100.0,
    "actual_cpu_seconds": 125.0,
    "ratio": 1.25,
    "without_estimate": 0,
    "stages": [
        {"stage": "sample", "nodes": 3, "source": "store", "cpu_seconds": 100.0, "actual_cpu_seconds": 125.0,
         "ratio": 1.25},
    ],
}  # fmt: skip


def test_the_sentence_says_both_times_and_their_ratio() -> None:
    said = forecast_words({"forecast": KEPT})
    assert said == "Forecast: 1 min 40 s of CPU time; it took 2 min 5 s, 1.25 of that."


def test_what_had_no_forecast_is_said_in_both() -> None:
    some = {"forecast": {**KEPT, "without_estimate": 56}}
    assert "56 more steps were unlike all that had been done" in (forecast_words(some) or "")
    assert forecast_table(some).remarks == ("56 steps were unlike all that had been done, and had no forecast.",)


def test_without_a_forecast_there_is_nothing_to_say() -> None:
    for results in ({}, {"forecast": None}, {"forecast": {**KEPT, "ratio": None}}):
        assert forecast_words(results) is None
    assert forecast_table({}).lines == ()


def test_the_last_line_sums_the_stages_up() -> None:
    lines = forecast_table({"forecast": KEPT}).lines
    assert [line.cells[0] for line in lines] == ["sample", "all"]
    assert lines[-1].cells[1:5] == ("3", "1 min 40 s", "2 min 5 s", "1.25")
