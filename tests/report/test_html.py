"""Rendered page: complete, self-contained, unchanged by hostile text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render
from noisy_student.report.sections import CHAPTERS, SECTIONS
from noisy_student.report.wording import headline

RESULTS = json.loads(Path(__file__).with_name("results.json").read_text())
CURVES = {"baseline-1": [{"step": i, "loss": 2 / (i + 1)} for i in range(50)]}


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style":
            self.words.append(data)


SMALL = RESULTS | {
    "conditions": RESULTS["conditions"][:1] + RESULTS["conditions"][-1:],
    "findings": RESULTS["findings"][::4],
}


@pytest.fixture(scope="module")
def source() -> str:
    return render(RESULTS, CURVES)


def test_the_page_holds_the_answer_and_the_numbers(source):
    text = Page(source).text
    assert "noisy-student − baseline: +1.2 points [−0.8, +3.2], undecided" in text
    for word in (
        "31.4 %",
        "31.2 32.4 30.5",
        "0.0445",
        "<0.0001",
        "35.6 %",
        "4,000",
        "25 min 12 s",
        "2.13.0+cpu",
    ):
        assert word in text
    assert "noisy-student run v1-5 --scale lab --seeds 1,2,3" in text


def test_the_sections_stand_in_the_order_of_reading(source):
    heads = re.findall(r"<h[12]>(.*?)</h[12]>", source)
    assert heads == [
        RESULTS["question"],
        *(CHAPTERS[name] for name in ("findings", "conditions", "labels", "training", "run")),
        "Notes",
        "Glossary",
    ]


def test_the_page_needs_nothing_else(source):
    page = Page(source)
    assert not {"script", "img", "iframe", "object", "embed", "base", "form", "a", "audio", "video"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in {"href", "src", "xlink:href", "action"}]
    assert all(link == "data:," or link.startswith("#") for link in links)
    assert "@import" not in source
    assert not re.findall(r"url\((?!#)", source)
    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in (value or ""))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "script-src" not in policy


def test_ids_are_unique_and_every_reference_is_met(source):
    ids = [value for name, value in Page(source).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', source)) <= set(ids)


def test_the_page_can_be_read_aloud(source):
    page = Page(source)
    assert ("lang", "en") in page.attributes
    assert ("scope", "col") in page.attributes
    assert ("scope", "row") in page.attributes
    assert page.tags.count("svg") == len([1 for name, value in page.attributes if name == "aria-label" and value]) - (
        page.tags.count("table")
    )


def test_equal_results_make_equal_pages():
    assert render(json.loads(json.dumps(SMALL)), CURVES) == render(SMALL, CURVES)


def test_hostile_text_changes_no_tag():
    text = "\n".join(HOSTILE)
    plain = Page(render(poison(SMALL, "plain"), {"plain-1": CURVES["baseline-1"]}))
    source = render(poison(SMALL, text), {f"{text}-1": CURVES["baseline-1"]})
    page = Page(source)
    assert page.tags == plain.tags
    assert {name for name, _ in page.attributes} == {name for name, _ in plain.attributes}
    for line in HOSTILE:
        shown = line.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\u2028", "\\u2028")
        assert " ".join(shown.split()) in page.text
    assert "\x1b" not in source
    assert "\u2028" not in source


def test_a_token_is_not_on_the_page():
    token = "hf_" + "Ab1" * 11 + "x"
    source = render(
        RESULTS
        | {
            "conditions": [],
            "findings": [],
            "labels": [],
            "command": f"HF_TOKEN={token} noisy-student run",
            "notes": [token],
        },
        {},
    )
    assert token not in source
    assert "HF_TOKEN=[hidden] noisy-student run" in source


def test_nothing_known_is_a_page_without_zeros():
    text = Page(render({}, {})).text
    assert headline({}) in text
    assert SECTIONS.get("findings").empty in text
    assert SECTIONS.get("conditions").empty in text
    assert "None" not in text
    rows = {
        "findings": [{"a": "x", "b": "y", "primary": True, "difference": None}],
        "conditions": [{"name": "x", "seed": 1, "status": "paused", "reason": None}],
        "labels": [{"name": "v", "by_level": None}],
        "gap_recovered": [{"condition": "x", "estimate": None, "interval": None}],
        "status": "partial",
    }
    page = Page(render(rows, {"x-1": []}))
    assert "This run is partial" in page.text
    assert "0.0" not in page.text.split("Glossary")[0]
