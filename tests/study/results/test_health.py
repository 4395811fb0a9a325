"""What the looks at a training found, as results have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.store import Store
from noisy_student.study.results.training import health, looks
from noisy_student.training.specs.health import FILE

BEFORE = {"step": 0, "dev": [True, False], "diagnoses": [], "misleading": []}


def found(name: str, remedy: str = "Wait.") -> dict[str, str]:
    return {"name": name, "evidence": f"{name} was seen.", "cause": "So it is.", "remedy": remedy}


def look(step: int, *diagnoses: dict[str, str], misleading: tuple[str, ...] = ()) -> dict[str, Any]:
    measured = {"step": step, "moved": 0.5, "change": 1e-4}
    return {**measured, "diagnoses": list(diagnoses), "misleading": list(misleading)}


@pytest.fixture
def training() -> Node:
    return make("train-grpo", {"grpo": {}}, title="train rung")


def stored(tmp_path: Path, training: Node, rows: list[dict[str, Any]] | None, *, skipped: str | None = None) -> Store:
    store = Store(tmp_path / "store")
    with store.hold(training, lambda: None):
        folder = store.open_work(training) / "curves"
        if rows is not None:
            folder.mkdir()
            files.write_jsonl(folder / FILE, rows)
        store.commit(training, summary={}, provenance={}, skipped=skipped)
    return store


def test_a_condition_is_found_once_and_where_it_was_first_seen(tmp_path: Path, training: Node) -> None:
    rows = [
        BEFORE,
        look(30, misleading=("loss is near 0.",)),
        look(60, found("collapse"), found("no spread"), misleading=("kl is not logged.",)),
        look(90, found("collapse"), misleading=("loss and kl.",)),
    ]
    row = health(training, stored(tmp_path, training, rows), name="rung")
    assert row is not None
    assert row["looks"] == [30, 60, 90]  # the one before the first step is none
    assert [(item["name"], item["step"]) for item in row["found"]] == [("collapse", 60), ("no spread", 60)]
    assert row["found"][0] == {"step": 60, **found("collapse")}
    assert row["misleading"] == ["loss and kl."]  # as it is at the end


def test_a_training_that_was_stopped_for_its_health_is_told_of(tmp_path: Path, training: Node) -> None:
    store = stored(tmp_path, training, [BEFORE, look(30, found("collapse"))], skipped="collapse at step 30.")
    row = health(training, store, name="rung")
    assert row is not None
    assert [item["name"] for item in row["found"]] == ["collapse"]


@pytest.mark.parametrize("rows", [None, [], [BEFORE]])
def test_without_a_look_nothing_is_said(rows: list[dict[str, Any]] | None, tmp_path: Path, training: Node) -> None:
    store = stored(tmp_path, training, rows)
    assert looks(training, store) == (rows or [])
    assert health(training, store, name="rung") is None


def test_the_untrained_model_and_what_was_never_trained_have_none(tmp_path: Path, training: Node) -> None:
    assert health(None, Store(tmp_path), name="base") is None
    assert health(training, Store(tmp_path), name="rung") is None


@pytest.mark.parametrize(
    ("remedy", "own", "named"),
    [
        ("--set grpo.beta=0.04.", ["beta"], "--set conditions.rung.grpo.beta=0.04."),
        ("--set grpo.beta=0.04.", ["learning_rate"], "--set grpo.beta=0.04."),
        ("--set grpo.beta=0.04.", [], "--set grpo.beta=0.04."),
        (
            "--set grpo.beta=0.04 or --set grpo.refill=1",
            ["refill", "beta"],
            "--set conditions.rung.grpo.beta=0.04 or --set conditions.rung.grpo.refill=1",
        ),
        ("--set grpo.max_new_tokens=96", ["max"], "--set grpo.max_new_tokens=96"),
        # A condition's own rewards are all that it has: the run's would change nothing.
        (
            "--set grpo.rewards.termination=0.1",
            ["rewards"],
            "--set conditions.rung.grpo.rewards.termination=0.1",
        ),
        ("--set sft.learning_rate=1e-3", ["learning_rate"], "--set sft.learning_rate=1e-3"),
    ],
)
def test_a_remedy_names_the_setting_that_counts(
    remedy: str, own: list[str], named: str, tmp_path: Path, training: Node
) -> None:
    row = health(training, stored(tmp_path, training, [look(30, found("x", remedy))]), name="rung", own=own)
    assert row is not None
    assert [item["remedy"] for item in row["found"]] == [named]
