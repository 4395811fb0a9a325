"""Probe runs in words: criteria, metrics before and after, recommended settings."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render
from noisy_student.report.sections import CHAPTERS, SECTIONS
from noisy_student.report.table import Table
from noisy_student.report.tables.probes import METRICS, before_after_table, recommendations, rungs_table


def criteria(*held: bool, waived: str | None = None) -> list[dict[str, Any]]:
    names, values = ("reward_std", "kl slope", "answers end"), (0.25, None, 1 / 3)
    rows = zip(names, values, held, strict=True)
    made: list[dict[str, Any]] = [
        {"name": name, "value": value, "held": each, "waived": None} for name, value, each in rows
    ]
    made[-1]["waived"] = waived
    return made


def rung(name: str, status: str, **more: Any) -> dict[str, Any]:
    tried = status in ("held", "failed")
    found = {"steps": 50, "criteria": criteria(True, False, False), "metrics": {"loss": 0.00012345, "kl": None}}
    row = {"name": name, "status": status, "reason": None, "steps": None, "criteria": [], "metrics": {}}
    return {**row, **(found if tried else {}), **more}


def ladder(*rungs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ladder of which the second rung held, if nothing else is said."""
    row = {"seed": 1, "before": "first", "after": "second", "held": "second", "recommended": ["--set grpo.beta=0.1"]}
    given = rungs or (
        rung("first", "failed"),
        rung("second", "held", steps=1035, criteria=criteria(True, True, True, waived="95 % can be read"),
             metrics={"loss": 1, "kl": 0.5}),
        rung("third", "skipped", reason="second held"),
        rung("fourth", "left"),
    )  # fmt: skip
    return {**row, "rungs": list(given), **more}


def cells(table: Table) -> list[tuple[str, ...]]:
    return [line.cells for line in table.lines]


def test_a_rung_says_what_each_criterion_showed() -> None:
    table = rungs_table({"ladder": [ladder()]})
    assert cells(table) == [
        ("first", "1", "failed", "50", "0.25, held", "–, not held", "0.3333, not held"),
        ("second", "1", "held", "1,035", "0.25, held", "–, held", "0.3333, waived: 95 % can be read"),
        ("third", "1", "not tried", "–", "–", "–", "–"),
        ("fourth", "1", "not reached", "–", "–", "–", "–"),
    ]
    assert [line.faint for line in table.lines] == [False, False, True, True]
    assert all(len(row) == len(table.columns) for row in cells(table))


def test_numbers_stand_side_by_side_and_what_is_unknown_is_a_dash() -> None:
    table = before_after_table({"ladder": [ladder()]})
    assert [column.name for column in table.columns] == ["Metric", "before: first", "after: second"]
    rows = {row[0]: row[1:] for row in cells(table)}
    assert list(rows) == [words for _, words in METRICS]
    shown = dict(METRICS)
    assert rows[shown["loss"]] == ("0.0001234", "1")
    assert rows[shown["kl"]] == ("–", "0.5")
    assert rows[shown["right"]] == ("–", "–")


def test_several_seeds_are_told_apart() -> None:
    found = {"ladder": [ladder(), ladder(rung("first", "held"), seed=2, after=None, held="first", recommended=[])]}
    assert [column.name for column in before_after_table(found).columns] == [
        "Metric", "before: first (seed 1)", "after: second (seed 1)", "before: first (seed 2)",
    ]  # fmt: skip
    first, second = recommendations(found)
    assert all(value in first for value in ("second", "step 1035", "seed 1", "--set grpo.beta=0.1"))
    assert all(value in second for value in ("first", "step 50", "seed 2", "unchanged")) and "--set" not in second


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ladder(), ["second", "step 1035", "--set grpo.beta=0.1"]),
        (ladder(rung("first", "held"), held="first", after=None, recommended=["--set a=1", "--set b=2"]),
         ["first", "step 50", "--set a=1 --set b=2"]),
        # Probes that wait for none: a later one failed, and its steps are not those of the one that held.
        (ladder(rung("first", "failed"), rung("second", "held", steps=30), rung("third", "failed")),
         ["second", "step 30", "--set grpo.beta=0.1"]),
        (ladder(rung("first", "failed"), rung("second", "failed"), held=None, recommended=None),
         ["kl slope, answers end"]),
        # Whether one would hold is not known yet.
        (ladder(rung("first", "failed"), rung("second", "left"), held=None, recommended=None, after=None), []),
        (ladder(rung("first", "skipped"), held=None, recommended=None, before=None, after=None), []),
    ],
)  # fmt: skip
def test_what_to_go_on_with_is_said_in_a_sentence(row: dict[str, Any], said: list[str]) -> None:
    sentences = list(recommendations({"ladder": [row]}))
    assert len(sentences) == bool(said)
    assert all(value in sentences[0] for value in said)


def test_a_ladder_of_which_nothing_ran_has_rungs_and_no_numbers() -> None:
    found = {"ladder": [ladder(rung("first", "left"), before=None, after=None, held=None, recommended=None)]}
    assert len(rungs_table(found).lines) == 1
    assert before_after_table(found).lines == ()
    page = render(found, {})
    assert f"<h2>{CHAPTERS['probes']}</h2>" in page and "not reached" in page
    assert SECTIONS.get("before-after").parts(found) == []


def test_the_page_shows_the_ladder_before_the_findings() -> None:
    page = render({"ladder": [ladder()]}, {})
    heads = (f"<h2>{CHAPTERS['probes']}</h2>", "<h3>Before and after</h3>", f"<h2>{CHAPTERS['findings']}</h2>")
    places = [page.index(word) for word in ("step 1035", *heads)]
    assert places == sorted(places)
    assert "--set grpo.beta=0.1</p>" in page  # as it is typed


@pytest.mark.parametrize("results", [{}, {"ladder": []}, {"ladder": None}])
def test_a_run_without_probes_has_no_ladder(results: dict[str, Any]) -> None:
    assert rungs_table(results).lines == before_after_table(results).lines == ()
    assert list(recommendations(results)) == []
    assert f"<h2>{CHAPTERS['probes']}</h2>" not in render(results, {})


def test_hostile_words_are_words() -> None:
    page = render(poison({"ladder": [ladder()]}, "\n".join(HOSTILE)), {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    # Rungs, the sentence and the heads of the numbers.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 9
