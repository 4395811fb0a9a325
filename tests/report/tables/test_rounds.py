"""Tables of self-training rounds and of pass@k."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render
from noisy_student.report.sections import CHAPTERS
from noisy_student.report.table import Table
from noisy_student.report.tables.rounds import WORDS, gains_table, passes_table, rounds_table

LINEAGE = {"questions": 24, "flipped": 6, "mended": 2, "spoiled": None, "added": 1234}


def numbers(accuracy: float) -> dict[str, float | None]:
    names = ("agreement", "coverage", "precision", "readable", "length", "entropy", "share_of_answered")
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
    reason, alarm = table.remarks
    assert "fresh-2, seed 1" in reason and "on dev it lost 14" in reason
    assert alarm == "fresh-2, seed 1, alarm: answers become alike (3.75 to 3.06)."


def test_a_round_with_an_alarm_that_was_accepted_tells_of_it() -> None:
    table = rounds_table({"rounds": [a_round("fresh-1", "accepted", alarms=ALARMS)]})
    assert table.remarks == ("fresh-1, seed 1, alarm: answers become alike (3.75 to 3.06).",)
    assert not table.lines[0].faint


@pytest.mark.parametrize("results", [{}, {"rounds": []}, {"rounds": None}])
def test_a_run_without_rounds_has_none_on_its_page(results: dict[str, Any]) -> None:
    assert rounds_table(results).lines == ()
    assert CHAPTERS["rounds"] not in render(results, {})


def test_the_page_shows_rounds_and_remarks() -> None:
    page = render({"rounds": ROUNDS}, {})
    for words in ("Rounds</h2>", "fresh-3", ": on dev it lost 14.", "alarm: answers become alike"):
        assert words in page


def test_hostile_words_are_words() -> None:
    page = render(poison({"rounds": ROUNDS}, "\n".join(HOSTILE)), {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    # Four rows, and remarks with a name, a reason and an alarm.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8


def curve(name: str, seed: int, *found: float) -> dict[str, Any]:
    points = [{"k": 2**place, "pass": value, "maj": value / 2} for place, value in enumerate(found)]
    return {"condition": name, "seed": seed, "questions": 300, "k": 2 ** (len(found) - 1), "points": points}


def end(name: str, difference: float | None, *, known: bool = True) -> dict[str, Any]:
    interval, p_value = ([-0.01, 0.25], 0.0421) if known else (None, None)
    return {"name": name, "difference": difference, "interval": interval, "p_adjusted": p_value}


def gain(kind: str, **more: Any) -> dict[str, Any]:
    found = {"one": end("pass@1", 0.1), "many": end("pass@4", -0.02), "reasoning": 0.05, "format": 0.0}
    return {"a": "student", "b": "base", **found, "kind": kind, **more}


PASSES = {
    "curves": [curve("base", 1, 0.25, 0.5, 0.75), curve("student", 1, 0.5, 0.625, 0.75)],
    "gains": [gain("narrowed"), gain("unclear", one=end("pass@1", None, known=False), reasoning=None, format=None)],
}


def test_each_condition_has_a_line_for_its_best_and_one_for_its_vote() -> None:
    table = passes_table({"passes": PASSES})
    assert [column.name for column in table.columns] == ["Condition", "Seed", "Measure", "k = 1", "k = 2", "k = 4"]
    assert cells(table)[:2] == [
        ("base", "1", "pass@k", "25.0 %", "50.0 %", "75.0 %"),
        ("base", "1", "maj@k", "12.5 %", "25.0 %", "37.5 %"),
    ]
    assert [line.faint for line in table.lines] == [False, True] * 2
    assert "300 test questions, 4 samples" in table.caption


def test_a_pair_says_what_was_gained_and_of_which_kind() -> None:
    table = gains_table({"passes": PASSES})
    assert table.columns[3].name == "pass@4"
    first, second = cells(table)
    assert first == (
        "student - base", "+10.0", "[-1.0, +25.0]", "-2.0", "[-1.0, +25.0]", "0.0421", "+5.0", "0.0", WORDS["narrowed"],
    )  # fmt: skip
    assert (second[1], second[2], second[6], second[7], second[8]) == ("–", "–", "–", "–", WORDS["unclear"])
    assert all(len(row) == len(table.columns) for row in (first, second))


@pytest.mark.parametrize("kind", WORDS)
def test_every_kind_has_its_words_on_the_page(kind: str) -> None:
    assert WORDS[kind] in render({"passes": {**PASSES, "gains": [gain(kind)]}}, {})


@pytest.mark.parametrize("results", [{}, {"passes": None}, {"passes": {}}, {"passes": {"curves": [], "gains": []}}])
def test_a_run_without_tries_has_none_on_its_page(results: dict[str, Any]) -> None:
    assert passes_table(results).lines == gains_table(results).lines == ()
    assert CHAPTERS["gains"] not in render(results, {})


def test_hostile_words_in_pass_at_k_are_words() -> None:
    gains = [{**row, "kind": None} for row in PASSES["gains"]]
    poisoned = poison({**PASSES, "gains": gains}, "\n".join(HOSTILE))
    poisoned["gains"] = [{**row, "kind": "learned"} for row in poisoned["gains"]]
    page = render({"passes": poisoned}, {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    # Two lines a curve, two names a pair, and the head of the column of all tries.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 9
