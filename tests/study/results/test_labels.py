"""Predictions: judged by an interval on one side of their bound, over all seeds."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused

from noisy_student.study.results.labels import predictions
from noisy_student.study.settings.comparisons import PredictionSettings
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings


def settings(**fields: Any) -> Settings:
    found = resolve(Request("v2"))
    prediction = PredictionSettings(condition="filtered-32", source="somebody", **fields)
    return found.model_copy(update={"predictions": {"it": prediction}})


def row(accepted: int, right: int | None, questions: int = 1000, condition: str = "filtered-32") -> dict[str, Any]:
    return {"condition": condition, "accepted": accepted, "right": right, "questions": questions}


@pytest.mark.parametrize(
    ("bound", "right", "verdict"),
    [
        ({"above": 0.9}, 480, "held"),
        ({"above": 0.9}, 455, "unsure"),
        ({"above": 0.9}, 400, "failed"),
        ({"below": 0.9}, 480, "failed"),
        ({"below": 0.9}, 400, "held"),
    ],
)
def test_a_verdict_needs_the_whole_interval(bound: dict[str, float], right: int, verdict: str) -> None:
    (found,) = predictions(settings(measure="precision", **bound), [row(500, right), row(9, 0, condition="other")])
    assert (found["verdict"], found["value"], found["n"]) == (verdict, right / 500, 500)
    assert found["interval"][0] < found["value"] < found["interval"][1]


def test_seeds_are_pooled_and_coverage_is_of_all_questions() -> None:
    (found,) = predictions(settings(measure="coverage", above=0.5), [row(400, None), row(700, None)])
    assert (found["value"], found["n"], found["verdict"]) == (0.55, 2000, "held")


def test_what_was_not_measured_has_no_verdict() -> None:
    for rows in ([], [row(500, None)]):
        (found,) = predictions(settings(measure="precision", above=0.5), rows)
        assert (found["verdict"], found["value"], found["interval"]) == (None, None, None)


@pytest.mark.parametrize("bounds", [{}, {"above": 0.1, "below": 0.2}])
def test_a_prediction_has_one_bound(bounds: dict[str, float]) -> None:
    with refused("prediction-bounds", "coverage"):
        settings(measure="coverage", **bounds)


def test_a_prediction_names_a_condition_with_one_set_of_labels() -> None:
    for name, code in (("nobody", "unknown-name"), ("baseline", "prediction-without-labels")):
        with refused(code, name):
            resolve(Request("v2", overrides={"predictions.many-at-32.condition": name}))
