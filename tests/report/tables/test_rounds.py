"""Rounds in a table: what each showed on dev, what became of its labels, and who was turned down."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render
from noisy_student.report.table import Table
from noisy_student.report.tables.rounds import rounds_table

LINEAGE = {"questions": 24, "flipped": 6, "mended": 2, "spoiled": None, "added": 1234}


def numbers(accuracy: float) -> dict[str, float | None]:
    names = ("agreement", "coverage", "precision", "readable", "length", "entropy", "leading_share")
    return {"accuracy": accuracy, **dict.fromkeys(names, 0.5)}


def a_round(name: str, status: str, **more: Any) -> dict[str, Any]:
    """A row as ``round_rows`` makes it: one that was not held against any has no numbers."""
    row = {"condition": name, "seed": 1, "against": "baseline", "status": status, "reason": None}
    if status not in ("accepted", "turned down"):
        return {**row, **more}
    found = {"p_worse": 0.36328125, "level": 0.01, "alarms": [], "questions": 20, "selected": 1000}
    return {**row, **found, "before": numbers(0.7), "now": numbers(0.6), "lineage": None, **more}


ALARMS = [{"name": "answers become alike", "before": 3.7511, "now": 3.064}]
ROUNDS = [
    a_round("fresh-1", "accepted"),
    a_round("fresh-2", "turned down", reason="on dev it lost 14", lineage=LINEAGE, alarms=ALARMS, selected=None),
    a_round("fresh-3", "skipped", reason="accept fresh-2 was skipped"),
    a_round("fresh-4", "left"),
]


def cells(table: Table) -> list[tuple[str, ...]]:
    return [line.cells for line in table.lines]


def test_a_round_says_what_it_showed_and_what_became_of_it() -> None:
    table = rounds_table({"rounds": ROUNDS})
    first, second, third, fourth = cells(table)
    assert first == ("fresh-1", "1", "60.0 %", "70.0 %", "0.363", "50.0 %", "1,000", *"––––", "accepted")
    assert second[6:] == ("–", "1,234", "6", "2", "–", "turned down")
    assert third == ("fresh-3", "1", *"–––––––––", "skipped") and fourth[-1] == "left"
    assert all(len(row) == len(table.columns) for row in cells(table))
    assert [line.faint for line in table.lines] == [False, True, True, True]
    assert table.remarks == (
        "fresh-2, seed 1 was turned down: on dev it lost 14.",
        "fresh-2, seed 1, alarm: answers become alike (3.75 to 3.06).",
    )


def test_a_round_with_an_alarm_that_was_accepted_tells_of_it() -> None:
    table = rounds_table({"rounds": [a_round("fresh-1", "accepted", alarms=ALARMS)]})
    assert table.remarks == ("fresh-1, seed 1, alarm: answers become alike (3.75 to 3.06).",)
    assert not table.lines[0].faint


@pytest.mark.parametrize("results", [{}, {"rounds": []}, {"rounds": None}])
def test_a_run_without_rounds_has_none_on_its_page(results: dict[str, Any]) -> None:
    assert rounds_table(results).lines == ()
    assert "Rounds" not in render(results, {})


def test_the_page_shows_rounds_and_remarks() -> None:
    page = render({"rounds": ROUNDS}, {})
    for words in ("Rounds</h2>", "fresh-3", "was turned down: on dev it lost 14.", "alarm: answers become alike"):
        assert words in page


def test_hostile_words_are_words() -> None:
    page = render(poison({"rounds": ROUNDS}, "\n".join(HOSTILE)), {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    # Four rows, and remarks with a name, a reason and an alarm.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8
