"""Plots: equal input gives equal bytes, names stay text, colours belong to the page."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from noisy_student.report import plots
from noisy_student.report.tables.labels import histograms

RESULTS = json.loads(Path(__file__).with_name("results.json").read_text())
CURVES = {f"{name}-{seed}": [{"step": i, "loss": 2 / (i + 1)} for i in range(1000)] for name in "ab" for seed in (1, 2)}


def drawings(width):
    return {
        "forest": plots.forest(RESULTS["findings"], width=width),
        "accuracies": plots.accuracies(RESULTS["conditions"], width=width),
        "agreement": plots.agreement(histograms(RESULTS["labels"])[0], number=0, width=width),
        "losses": plots.losses(CURVES, width=width),
    }


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("width", [880, 342])
def test_drawings_are_plain_deterministic_svg(width):
    first, second = drawings(width), drawings(width)
    for name, svg in first.items():
        root = ElementTree.fromstring(svg)
        assert svg == second[name]
        assert root.attrib["width"] == str(width)
        assert root.attrib["aria-label"]
        assert "<metadata" not in svg
        assert "<style" not in svg
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
        assert "var(--" in svg
        assert "#0000" not in svg


def test_the_numbers_are_in_the_drawing():
    words = texts(plots.forest(RESULTS["findings"], width=880))
    assert "filtered − filtered-control" in words
    assert any("+2.7" in word and "[+1.3, +4.1]" in word for word in words)
    assert "not measured" in words
    assert "34.6 %" in texts(plots.accuracies(RESULTS["conditions"], width=880))


@pytest.mark.parametrize("name", ["${7*7}$", "$\\frac{1}{", "</text><script>alert(1)</script>", "two\nlines", "漢字"])
def test_a_name_is_only_text(name):
    svg = plots.accuracies([{"name": name, "accuracy": 0.5, "interval": [0.4, 0.6], "seed": 1}], width=880)
    name = " ".join(name.split())
    shown = name if len(name) <= 30 else name[:29] + "\N{HORIZONTAL ELLIPSIS}"
    assert shown in texts(svg)
    assert "<script" not in svg


def test_unknown_values_draw_nothing_and_do_not_fail():
    assert "not measured" in plots.forest([{"a": "x", "b": "y", "primary": True}], width=880)
    assert "\N{EN DASH}" in texts(plots.accuracies([{"name": "x"}], width=342))
    (histogram,) = histograms([{"name": "v", "k": 32, "by_level": [{"votes": 3, "questions": 7, "accuracy": None}]}])
    assert "correct, %" not in texts(plots.agreement(histogram, number=0, width=342))
    assert "correct, %" in texts(plots.agreement(histograms(RESULTS["labels"])[0], number=0, width=342))


def test_long_curves_are_thinned():
    assert len(plots.losses({"a-1": CURVES["a-1"] * 20}, width=880)) < 40_000


def test_ids_of_two_drawings_do_not_meet():
    wide, narrow = plots.forest(RESULTS["findings"], width=880), plots.forest(RESULTS["findings"], width=342)
    ids = [
        {element.attrib["id"] for element in ElementTree.fromstring(svg).iter() if "id" in element.attrib}
        for svg in (wide, narrow)
    ]
    assert ids[0]
    assert not ids[0] & ids[1]
