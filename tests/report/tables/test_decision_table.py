"""The branch that a study takes, in a sentence and as a table."""

from __future__ import annotations

from noisy_student.report.tables.expectations import decision_table, next_step

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


def test_where_nothing_holds_it_says_what_was_asked_last() -> None:
    unknown = [{**ROWS[0], "value": None, "holds": None}]
    results = {"decision": {"rows": unknown, "taken": None, "because": ""}}
    assert next_step(results) == "Next: not decided, since no row holds (a is helps was asked last)."
    assert decision_table(results).lines[0].cells[1:3] == ("–", "not known")


def test_a_study_without_a_tree_says_nothing() -> None:
    assert next_step({}) is None and next_step({"decision": None}) is None
    assert decision_table({"decision": None}).lines == ()
