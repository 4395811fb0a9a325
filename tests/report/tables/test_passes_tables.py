"""Tries in tables: pass@k and maj@k by k, what a student gained, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render
from noisy_student.report.table import Table
from noisy_student.report.tables.rounds import WORDS, gains_table, passes_table


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


def cells(table: Table) -> list[tuple[str, ...]]:
    return [line.cells for line in table.lines]


def test_each_condition_has_a_line_for_its_best_and_one_for_its_vote() -> None:
    table = passes_table({"passes": PASSES})
    assert [column.name for column in table.columns] == ["Condition", "Seed", "Measure", "k = 1", "k = 2", "k = 4"]
    assert cells(table)[:2] == [
        ("base", "1", "pass@k", "25.0 %", "50.0 %", "75.0 %"),
        ("base", "1", "maj@k", "12.5 %", "25.0 %", "37.5 %"),
    ]
    assert [line.faint for line in table.lines] == [False, True] * 2
    assert table.caption.startswith("300 test questions, 4 samples of each. ")


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
    page = render(results, {})
    assert "tries can do" not in page and "Sharpened" not in page


def test_hostile_words_are_words() -> None:
    gains = [{**row, "kind": None} for row in PASSES["gains"]]
    poisoned = poison({**PASSES, "gains": gains}, "\n".join(HOSTILE))
    poisoned["gains"] = [{**row, "kind": "learned"} for row in poisoned["gains"]]
    page = render({"passes": poisoned}, {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    # Two lines a curve, two names a pair, and the head of the column of all tries.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 9
