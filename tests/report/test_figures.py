"""Figures: drawn in two widths if there is something to draw, else None."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.report import figures
from noisy_student.report.figures import Drawing
from noisy_student.report.table import Table

VOTES: dict[str, Any] = {
    "name": "votes", "seed": 1, "k": 16, "questions": 100,
    "curve": [[1, 0.5], [2, 0.5], [4, 0.6], [8, 0.61], [16, 0.625]],
    "by_level": [{"votes": 16, "questions": 100, "accuracy": 0.5}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "results"),
    [
        (figures.forest, {"findings": [{"a": "x", "b": "y", "difference": None}]}),
        (figures.accuracy, {"conditions": [{"name": "x", "accuracy": None}]}),
        (figures.vote_curve, {"labels": [{**VOTES, "curve": VOTES["curve"][:4]}]}),
        (figures.rollouts, {"curves": {"sft-1": [{"step": 1, "loss": 0.5}]}}),
        (figures.losses, {"curves": {}}),
        *((figure, {}) for figure in (figures.forest, figures.accuracy, figures.vote_curve, figures.losses)),
    ],
)
def test_a_figure_of_nothing_is_none(figure: Any, results: dict[str, Any]) -> None:
    assert figure(results) is None


def test_a_vote_curve_is_of_the_votes_with_the_most_samples() -> None:
    small = {**VOTES, "name": "few", "k": 8, "curve": [[1, 0.4], [2, 0.4], [3, 0.4], [4, 0.4], [8, 0.4]]}
    drawing = figures.vote_curve({"labels": [small, VOTES]})
    assert drawing is not None
    assert "votes" in drawing.caption and "16" in drawing.caption
    assert "62.5 %" in drawing.wide and "40.0 %" not in drawing.wide
    assert drawing.wide != drawing.narrow


def test_each_set_of_votes_has_its_drawing_and_its_table() -> None:
    parts = list(figures.agreement({"labels": [VOTES, {**VOTES, "name": "other"}]}))
    assert [type(part) for part in parts] == [Drawing, Table, Drawing, Table]
    assert isinstance(parts[3], Table)
    assert parts[3].lines[0].cells == ("16 of 16", "100", "50.0 %")
