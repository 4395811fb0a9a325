"""The content of results.json of a run of which nothing is computed."""

from __future__ import annotations

from pathlib import Path

from bare_model import bare_model

from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import plan
from noisy_student.study.results.results import collect
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.files import Request, resolve


def test_a_run_that_did_nothing_says_so_of_every_condition(tmp_path: Path) -> None:
    bare_model(tmp_path)
    made = plan(resolve(Request("v1-5", overrides={"model.id": str(tmp_path)})))
    results = collect(RunView(made, Store(tmp_path / "store")))
    assert [row["status"] for row in results["conditions"]] == ["left"] * len(made.settings.conditions)
    assert {row["accuracy"] for row in results["conditions"]} == {None}
    assert results["findings"] == results["gap_recovered"] == []
    assert [row["by_level"] for row in results["labels"]] == [[]]
    assert (results["study"], results["schema"], results["data"]["counts"]) == ("v1-5", 1, None)
