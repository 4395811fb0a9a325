"""Registry of sections: one registration shows a section on page and terminal, where it says."""

from __future__ import annotations

import ast
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from rich.console import Console

from noisy_student import report
from noisy_student.report.html import render
from noisy_student.report.sections import CHAPTERS, SECTIONS, Section, Terminal, on_page, on_terminal, ordered
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.tables.expectations import criteria_table
from noisy_student.report.text import show

RESULTS: dict[str, Any] = {
    "findings": [{"name": "helps", "a": "x", "b": "y", "primary": True, "difference": 0.1}],
    "criteria": [{"a": "x", "b": "y", "expected": "helps"}],
    "conditions": [{"name": "x", "seed": 1, "status": "done", "accuracy": 0.5}],
}


def entropy(results: dict[str, Any]) -> Table:
    lines = tuple(Line((str(row["name"]), "0.1234")) for row in results["conditions"])
    return Table("Entropy of votes", "In nats.", (Column("Condition", "left"), Column("Entropy")), lines)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test register sections of its own."""
    monkeypatch.setattr(SECTIONS, "_rows", dict(SECTIONS._rows))
    monkeypatch.setattr(SECTIONS, "_origins", dict(SECTIONS._origins))
    return


def headings(results: dict[str, Any]) -> list[str]:
    return re.findall(r"<h[23]>(.*?)</h[23]>", render(results, {}))


def printed(results: dict[str, Any]) -> str:
    text = io.StringIO()
    show(results, Console(file=text, width=160))
    return text.getvalue()


def test_one_registration_shows_a_section_on_page_and_terminal_behind_the_one_it_names() -> None:
    SECTIONS.register("entropy", Section(entropy, after="findings"))
    assert headings(RESULTS)[:3] == ["Findings", "Entropy of votes", criteria_table({}).title]
    assert "0.1234" in render(RESULTS, {})
    text = printed(RESULTS)
    assert text.index("Findings") < text.index("Entropy of votes") < text.index(criteria_table({}).title)


def test_a_section_without_a_place_comes_last() -> None:
    SECTIONS.register("entropy", Section(entropy))
    SECTIONS.register("more", Section(lambda _: "One more sentence.", after="entropy"))
    heads = headings(RESULTS)
    assert heads.index(CHAPTERS["further"]) + 1 == heads.index("Entropy of votes")
    assert ordered()[-1].after == "entropy"
    assert on_page("further") == ordered()[-2:]
    for shown in (render(RESULTS, {}), printed(RESULTS)):
        assert shown.index("0.1234") < shown.index("One more sentence.")


def test_sections_behind_one_keep_the_order_of_their_registration() -> None:
    for name in ("first", "second"):
        SECTIONS.register(name, Section(lambda _, name=name: f"The {name}.", after="gap"))  # type: ignore[misc]
    places = [ordered().index(SECTIONS.get(name)) for name in ("gap", "first", "second")]
    assert places == list(range(places[0], places[0] + 3))


def test_a_section_of_one_place_is_not_in_the_other() -> None:
    SECTIONS.register("spoken", Section(lambda _: "Only printed.", chapter=None, terminal="end"))
    SECTIONS.register("drawn", Section(lambda _: "Only on the page.", terminal=None))
    assert "Only printed." in printed(RESULTS) and "Only printed." not in render(RESULTS, {})
    assert "Only on the page." in render(RESULTS, {}) and "Only on the page." not in printed(RESULTS)


def test_a_place_that_does_not_exist_is_refused() -> None:
    with refused("unknown-chapter", "findngs"):
        Section(entropy, "findngs")


def test_a_section_behind_an_unknown_one_comes_last_and_says_so() -> None:
    SECTIONS.register("entropy", Section(entropy, after="finding"))
    SECTIONS.register("behind", Section(lambda _: "Behind it.", after="entropy"))
    SECTIONS.register("healthy", Section(lambda _: "A healthy one."))
    for shown in (html.unescape(render(RESULTS, {})), printed(RESULTS)):
        places = [shown.index(word) for word in ("A healthy one.", '"entropy"', "Entropy of votes", "Behind it.")]
        assert places == sorted(places)
        assert 'it follows "finding"' in shown and '"behind"' not in shown


def test_sections_that_follow_each_other_in_a_circle_come_last_and_say_so() -> None:
    SECTIONS.register("a", Section(entropy, after="b"))
    SECTIONS.register("b", Section(lambda _: "The second.", after="a"))
    SECTIONS.register("c", Section(lambda _: "Behind both.", after="b"))
    for shown in (html.unescape(render(RESULTS, {})), printed(RESULTS)):
        assert all(f'The section "{name}" comes last: it follows itself (a, b).' in shown for name in "ab")
        assert "0.1234" in shown and "The second." in shown and shown.count("Behind both.") == 1


def test_every_section_of_this_package_has_its_place() -> None:
    assert ordered() == [SECTIONS.get(name) for name in SECTIONS]


@pytest.mark.parametrize("place", ["top", "end"])
def test_tables_at_the_top_and_at_the_end_of_the_terminal_are_shown(place: Terminal) -> None:
    SECTIONS.register("entropy", Section(entropy, chapter=None, terminal=place))
    text = printed(RESULTS)
    assert (text.index("0.1234") < text.index("Findings")) == (place == "top")


def test_every_section_stands_somewhere_and_nowhere_twice() -> None:
    page = [section for chapter in CHAPTERS for section in on_page(chapter)]
    terminal = [section for place in ("top", "body", "end") for section in on_terminal(place)]
    assert {id(each) for each in page} | {id(each) for each in terminal} == {id(each) for each in ordered()}
    assert len(page) == len({id(each) for each in page})


def test_every_table_of_the_package_is_in_the_registry_and_in_no_other_list() -> None:
    root = Path(report.__file__).parent
    made = {
        node.name
        for path in (root / "tables").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_table")
    }
    assert made <= {SECTIONS.get(name).content.__name__ for name in SECTIONS}
    for name in ("html.py", "text.py", "templates/report.html.j2"):
        assert re.findall(r"\w+_table\b", (root / name).read_text()) == []
