"""Tables of findings, conditions, runs and labels: order, means, dashes, reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from noisy_student.report.tables.findings import (
    conditions_table,
    findings_table,
    gap_table,
    labels_table,
    mean,
    methods_table,
    runs_table,
)

RESULTS: dict[str, Any] = json.loads(Path(__file__).parents[1].joinpath("results.json").read_text())
DASH = "\N{EN DASH}"


def cell(table, row, column):
    names = [each.name for each in table.columns]
    line = next(line for line in table.lines if line.cells[0] == row)
    return line.cells[names.index(column)]


def test_primary_findings_stand_above_exploratory_ones():
    table = findings_table(RESULTS)
    assert [line.faint for line in table.lines] == [False, False, False, False, True, True]
    assert cell(table, "oracle - baseline", "Verdict") == "exploratory"
    assert cell(table, "oracle - baseline", "p") == "<0.0001"
    assert cell(table, "filtered - baseline", "Verdict") == "helps"
    assert cell(table, "filtered - baseline", "p adjusted") == "0.0445"
    assert cell(table, "filtered - baseline", "95 % interval") == "[+1.5, +5.0]"
    assert cell(table, "noisy-student - baseline", "MDE") == "2.0"
    assert cell(table, "noisy-student - baseline", "Scope") == "this recipe"


def test_order_in_the_file_does_not_put_exploratory_findings_first():
    table = findings_table({"findings": RESULTS["findings"][::-1]})
    assert [line.faint for line in table.lines] == [False, False, False, False, True, True]


def test_a_gain_is_marked_when_its_control_is_taken_away():
    without = [row for row in RESULTS["conditions"] if row["name"] != "filtered-control"]
    table = findings_table(RESULTS | {"conditions": without})
    assert cell(table, "filtered - baseline", "Verdict") == "helps (controls not run)"


def test_several_seeds_show_mean_and_each_value():
    table = conditions_table(RESULTS)
    assert cell(table, "baseline", "Accuracy") == "31.4 %"
    assert cell(table, "baseline", "By seed, %") == "31.2 32.4 30.5"
    assert cell(table, "baseline", "Sampled") == DASH


def test_one_seed_shows_wilsons_interval():
    one = [row for row in RESULTS["conditions"] if row["seed"] == 1]
    assert cell(conditions_table({"conditions": one}), "baseline", "95 % interval") == "[28.4, 34.1]"


def test_a_skipped_condition_keeps_its_line_and_says_why_once():
    table = conditions_table(RESULTS)
    line = next(line for line in table.lines if line.cells[0] == "filtered-grpo")
    assert line.faint
    assert set(line.cells[1:9]) == {DASH}
    assert [remark.split(":")[0] for remark in table.remarks] == ["filtered-grpo skipped"]


def test_a_failed_seed_is_named_and_left_out_of_the_mean():
    conditions = [dict(row) for row in RESULTS["conditions"] if row["name"] == "baseline"]
    conditions[1] |= {"status": "failed", "reason": "out of memory", "accuracy": None}
    table = conditions_table({"conditions": conditions})
    assert cell(table, "baseline", "Accuracy") == "30.9 %"
    assert cell(table, "baseline", "By seed, %") == f"31.2 {DASH} 30.5"
    assert table.remarks == ("baseline, seed 2, failed: out of memory",)


def test_every_seed_has_its_own_line():
    table = runs_table(RESULTS)
    assert len(table.lines) == len(RESULTS["conditions"])
    assert table.lines[0].cells[:6] == ("baseline", "1", "31.2 %", "[28.4, 34.1]", "312", "1,000")


def test_label_truth_unknown_is_a_dash():
    row = {"name": "votes", "teacher": "baseline", "seed": 1, "k": 8, "questions": 4000, "accuracy": None}
    assert cell(labels_table({"labels": [row]}), "votes", "Vote") == DASH
    assert cell(labels_table(RESULTS), "votes", "Questions") == "4,000"


def test_gap_and_tests():
    assert cell(gap_table(RESULTS), "filtered", "Gap recovered") == "35.6 %"
    assert cell(methods_table(RESULTS), "filtered-helps", "Margin") == "2.0"


@pytest.mark.parametrize(
    "table", [findings_table, conditions_table, runs_table, labels_table, gap_table, methods_table]
)
def test_every_line_has_a_cell_for_every_column(table):
    for place in ("narrow", "wide", "page"):
        shown = table(RESULTS).within(place)
        assert all(len(line.cells) == len(shown.columns) for line in shown.lines)
    assert table({}).lines == ()


def test_rows_of_nothing_but_nulls_make_dashes_not_zeros():
    rows = {
        "findings": [{"a": "x", "b": "y", "primary": True}],
        "conditions": [{"name": "x"}],
        "labels": [{"name": "v"}],
    }
    for table in (findings_table, conditions_table, runs_table, labels_table):
        assert "0" not in "".join(table(rows).lines[0].cells)


def test_mean_of_nothing_is_unknown():
    assert mean([]) is None
    assert mean([0.25, None, 0.75]) == 0.5
