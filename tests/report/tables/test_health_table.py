"""What was wrong with trainings, as table, lines and remarks."""

from __future__ import annotations

from typing import Any

from hostile import HOSTILE

from noisy_student.report.html import render
from noisy_student.report.tables.training import HEALTHY, health_lines, health_table, misleading

COLLAPSE: dict[str, Any] = {
    "step": 1030, "name": "collapse", "evidence": "Dev fell to 0.", "cause": "The rate is high.", "remedy": "Halve it.",
}  # fmt: skip


def student(*found: dict[str, Any], name: str = "grpo", seed: int = 1, misleading: tuple[str, ...] = ()) -> Any:
    looked = {"looks": [30, 1030], "found": list(found), "misleading": list(misleading)}
    return {"name": name, "seed": seed, "status": "done", "health": looked}


def test_everything_found_has_a_line_and_a_healthy_student_one_that_is_faint() -> None:
    rows = [
        student(COLLAPSE, {**COLLAPSE, "step": 30, "name": "no spread"}),
        student(seed=2),
        {"name": "base", "seed": 1, "health": None},
        {"name": "sft", "seed": 1},
    ]
    table = health_table({"conditions": rows})
    assert [(line.cells, line.faint) for line in table.lines] == [
        (("grpo", "1", "1,030", "collapse", "Dev fell to 0.", "The rate is high.", "Halve it."), False),
        (("grpo", "1", "30", "no spread", "Dev fell to 0.", "The rate is high.", "Halve it."), False),
        (("grpo", "2", "1,030", HEALTHY, "2 looks", "", ""), True),
    ]
    assert all(len(line.cells) == len(table.columns) for line in table.lines)


def test_the_terminal_says_only_what_was_found() -> None:
    assert list(health_lines({"conditions": [student(COLLAPSE), student(seed=2)]})) == [
        "Unhealthy: grpo (seed 1), step 1030: collapse. Dev fell to 0. The rate is high. Do: Halve it."
    ]


def test_what_misleads_is_said_once_for_all_seeds_that_say_it() -> None:
    rows = [
        student(misleading=("loss is near 0.", "kl is not logged.")),
        student(seed=2, misleading=("loss is near 0.", "reward_std is the batch's.")),
        student(name="other", misleading=("loss is near 0.",)),
    ]
    assert misleading({"conditions": rows}) == [
        "grpo: loss is near 0.",
        "grpo: kl is not logged.",
        "grpo: reward_std is the batch's.",
        "other: loss is near 0.",
    ]


def test_a_run_without_looks_has_none_of_it() -> None:
    for results in ({}, {"conditions": [{"name": "x", "seed": 1}, {"name": "y", "seed": 1, "health": None}]}):
        assert health_table(results).lines == ()
        assert list(health_lines(results)) == misleading(results) == []
        assert "<h3>Health</h3>" not in render(results, {})
        assert "What looks wrong" not in render(results, {})


def test_the_page_shows_it_without_any_curve() -> None:
    page = render({"conditions": [student(COLLAPSE, misleading=("loss -0.0001 is near 0.",))]}, {})
    assert page.index("<h2>Training</h2>") < page.index("<h3>Health</h3>") < page.index("Dev fell to 0.")
    assert "Halve it." in page
    assert "<li>grpo: loss \N{MINUS SIGN}0.0001 is near 0.</li>" in page
    assert "What looks wrong" not in render({"conditions": [student(COLLAPSE)]}, {})


def test_hostile_words_are_words() -> None:
    text = "\n".join(HOSTILE)
    words = {"step": 1, **dict.fromkeys(("name", "evidence", "cause", "remedy"), text)}
    page = render({"conditions": [student(words, name=text, misleading=(text,))]}, {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6
