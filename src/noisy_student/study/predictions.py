"""What somebody expected of the labels before the run, beside what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.statistics.intervals import wilson
from noisy_student.study.settings import PredictionSettings, Settings


def predictions(settings: Settings, selected: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row a prediction: ``held`` or ``failed`` where Wilson's 95 % interval lies on one side of its bound, else
    ``unsure``; verdict and value are None where nothing was measured. Seeds are pooled
    by question, which is too sure of itself where they share questions.
    """
    for name, prediction in settings.predictions.items():
        rows = [row for row in selected if row["condition"] == prediction.condition]
        found, asked = _counts(prediction, rows)
        interval = wilson(found, asked) if found is not None and asked else None
        yield {
            "name": name,
            **prediction.model_dump(mode="json"),
            "value": found / asked if found is not None and asked else None,
            "interval": None if interval is None else [interval.low, interval.high],
            "n": asked or None,
            "verdict": None if interval is None else _verdict(prediction, interval.low, interval.high),
        }


def _counts(prediction: PredictionSettings, rows: Sequence[Mapping[str, Any]]) -> tuple[int | None, int]:
    accepted = sum(row["accepted"] for row in rows)
    if prediction.measure == "coverage":
        return accepted, sum(row["questions"] for row in rows)
    known = all(row["right"] is not None for row in rows)
    return (sum(row["right"] for row in rows) if known else None), accepted


def _verdict(prediction: PredictionSettings, low: float, high: float) -> str:
    if prediction.above is not None:
        return "held" if low > prediction.above else "failed" if high <= prediction.above else "unsure"
    assert prediction.below is not None
    return "held" if high < prediction.below else "failed" if low >= prediction.below else "unsure"
