"""Tables and drawing of training: groups of completions and health."""

from __future__ import annotations

from typing import Any

from hostile import HOSTILE

from noisy_student.report import plots
from noisy_student.report.html import render
from noisy_student.report.sections import SECTIONS
from noisy_student.report.tables.training import HEALTHY, MEASURES, groups_table, health_lines, health_table, misleading

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
    words = {name: words for name, words, _ in MEASURES}
    assert words["right"] in drawn and words["kl"] not in drawn
    assert words["kl"] in plots.rollouts({"grpo-1": [{**row, "kl": 0.1} for row in curve]}, width=342)
    assert drawn == plots.rollouts({"grpo-1": curve}, width=880)


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
        (("grpo", "2", "1,030", HEALTHY, "2 checks", "", ""), True),
    ]
    assert all(len(line.cells) == len(table.columns) for line in table.lines)


def test_the_terminal_says_only_what_was_found() -> None:
    (line,) = health_lines({"conditions": [student(COLLAPSE), student(seed=2)]})
    for value in ("grpo", "seed 1", "step 1030", "collapse", *(COLLAPSE[name] for name in ("evidence", "remedy"))):
        assert value in line


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
        assert SECTIONS.get("health").parts(results) == []
        assert f"<summary>{SECTIONS.get('misleading').title}" not in render(results, {})


def test_the_page_shows_it_without_any_curve() -> None:
    page = render({"conditions": [student(COLLAPSE, misleading=("loss -0.0001 is near 0.",))]}, {})
    assert page.index("<h2>Training</h2>") < page.index("<h3>Health</h3>") < page.index("Dev fell to 0.")
    assert "Halve it." in page
    assert "<li>grpo: loss \N{MINUS SIGN}0.0001 is near 0.</li>" in page
    title = SECTIONS.get("misleading").title
    assert title in page and title not in render({"conditions": [student(COLLAPSE)]}, {})


def test_hostile_words_are_words() -> None:
    text = "\n".join(HOSTILE)
    words = {"step": 1, **dict.fromkeys(("name", "evidence", "cause", "remedy"), text)}
    page = render({"conditions": [student(words, name=text, misleading=(text,))]}, {})
    for tag in ("<script", "<img", "<svg", "</textarea", "\x1b", "\u2028", '" onmouseover'):
        assert tag not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6
