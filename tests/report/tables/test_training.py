"""The table and drawing of a GRPO student's answers."""

from __future__ import annotations

from typing import Any

from noisy_student.report import plots
from noisy_student.report.tables.training import groups_table

QUALITY: dict[str, Any] = {
    "groups": [
        {"origin": "gold", "label": "right", "kind": "mixed", "groups": 3},
        {"origin": "gold", "label": "right", "kind": "all-right", "groups": 1},
        {"origin": "pseudo", "label": "wrong", "kind": "all-wrong", "groups": 2},
    ],
    "over_steps": [],
}


def test_shares_are_of_the_groups_of_one_kind_of_label() -> None:
    rows = [{"name": "grpo", "seed": 1, "group_quality": QUALITY}, {"name": "sft", "seed": 1, "group_quality": None}]
    table = groups_table({"conditions": rows})
    assert [line.cells for line in table.lines] == [
        ("grpo", "1", "gold", "4", "75.0 %", "25.0 %", "0.0 %"),
        ("grpo", "1", "pseudo, wrong", "2", "0.0 %", "0.0 %", "100.0 %"),
    ]
    assert groups_table({}).lines == ()
    assert "8 questions 4 times" in groups_table({"settings": {"grpo": {"prompts": 8, "generations": 4}}}).caption


def test_the_drawing_leaves_out_what_nobody_has() -> None:
    curve = [{"step": step, "right": 0.1 * step, "stopped": 1.0, "mean_length": 20.0, "kl": None} for step in (1, 2)]
    drawn = plots.rollouts({"grpo-1": curve}, width=880)
    assert "reached the label, %" in drawn and "divergence" not in drawn
    assert "divergence" in plots.rollouts({"grpo-1": [{**row, "kl": 0.1} for row in curve]}, width=342)
    assert drawn == plots.rollouts({"grpo-1": curve}, width=880)
