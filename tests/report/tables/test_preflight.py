"""Pre-flight: one line per check, and a failed check is the answer of the run."""

from __future__ import annotations

import io
from typing import Any

from hostile import HOSTILE
from rich.console import Console

from noisy_student.report.html import render
from noisy_student.report.tables.preflight import counted, decides, preflight_table
from noisy_student.report.tables.probes import answer
from noisy_student.report.text import show


def row(check: str, outcome: str, **more: Any) -> dict[str, Any]:
    told = {"value": 0.5, "measured": "50 %", "threshold": "at least 20%", "remedy": None, "detail": "of 100"}
    return {"check": check, "outcome": outcome, **told, **more}


FAILED = row("dtype", "fail", measured="bfloat16", remedy="--set model.dtype=float32")
CONDITION = {"name": "base", "seed": 1, "status": "done", "method": "none", "learns_from": []}


def said(results: dict[str, Any]) -> str:
    text = io.StringIO()
    show(results, Console(file=text, width=160))
    return text.getvalue()


def test_every_check_has_a_line_and_what_passed_is_faint() -> None:
    table = preflight_table({"preflight": [FAILED, row("disk", "pass")]})
    assert [(line.cells[:3], line.faint) for line in table.lines] == [
        (("dtype", "fail", "bfloat16"), False),
        (("disk", "pass", "50 %"), True),
    ]
    assert table.lines[0].cells[4] == "--set model.dtype=float32"
    assert all(len(line.cells) == len(table.columns) for line in table.lines)


def test_outcomes_are_counted_and_named_unless_they_passed() -> None:
    results = {"preflight": [FAILED, row("a", "pass"), row("b", "unsure"), row("c", "warn"), row("d", "warn")]}
    assert counted(results) == "Pre-flight: 1 pass, 2 warn (c, d), 1 fail (dtype), 1 unsure (b)"
    assert counted({}) is None


def test_a_failure_is_the_headline_and_a_pass_is_only_where_nothing_else_was_done() -> None:
    failed = {"preflight": [FAILED], "conditions": [CONDITION]}
    passed = {"preflight": [row("a", "pass")], "conditions": [CONDITION]}
    alone = {"preflight": [row("a", "pass")], "conditions": []}
    assert (decides(failed), decides(passed), decides(alone), decides({"conditions": []})) == (True, False, True, False)
    assert answer(failed).startswith("Pre-flight: 0 pass, 0 warn, 1 fail (dtype)")
    assert answer(alone).startswith("Pre-flight: 1 pass")
    assert "primary finding" in answer(passed)


def test_terminal_and_page_show_it_once() -> None:
    for results in ({"preflight": [FAILED, row("a", "pass")], "conditions": [CONDITION]},
                    {"preflight": [row("a", "pass")], "conditions": [CONDITION]}):  # fmt: skip
        text, page = said(results), render(results, {})
        assert text.count("Pre-flight: ") == page.count("Pre-flight: ") == 1
        assert page.count("<h2>Pre-flight</h2>") == 1
    assert "Pre-flight" not in said({"conditions": [CONDITION]}) + render({"conditions": [CONDITION]}, {})


def test_hostile_words_are_words() -> None:
    text = "\n".join(HOSTILE)
    page = render({"preflight": [row(text, "fail", measured=text, threshold=text, remedy=text, detail=text)]}, {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
