"""Curves and health checks of trainings, as results hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.nodes import ConditionNodes
from noisy_student.study.plan.plan import Plan
from noisy_student.study.results.training import LOGGED, ROLLOUTS, curves, health, health_checks
from noisy_student.study.results.view import RunView, StoreView
from noisy_student.study.settings.files import Request, resolve
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


def stored(
    tmp_path: Path, training: Node, rows: list[dict[str, Any]] | None, *, skipped: str | None = None
) -> StoreView:
    store = Store(tmp_path / "store")
    with store.hold(training, lambda: None):
        folder = store.open_work(training) / "curves"
        if rows is not None:
            folder.mkdir()
            files.write_jsonl(folder / FILE, rows)
        store.commit(training, summary={}, provenance={}, skipped=skipped)
    return StoreView(store)


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
    view = stored(tmp_path, training, [BEFORE, look(30, found("collapse"))], skipped="collapse at step 30.")
    row = health(training, view, name="rung")
    assert row is not None
    assert [item["name"] for item in row["found"]] == ["collapse"]


@pytest.mark.parametrize("rows", [None, [], [BEFORE]])
def test_without_a_look_nothing_is_said(rows: list[dict[str, Any]] | None, tmp_path: Path, training: Node) -> None:
    view = stored(tmp_path, training, rows)
    assert health_checks(training, view) == (rows or [])
    assert health(training, view, name="rung") is None


def test_the_untrained_model_and_what_was_never_trained_have_none(tmp_path: Path, training: Node) -> None:
    assert health(None, StoreView(Store(tmp_path)), name="base") is None
    assert health(training, StoreView(Store(tmp_path)), name="rung") is None


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


def joined(
    tmp_path: Path,
    points: list[dict[str, Any]],
    facts: list[dict[str, Any]] | None,
    looks: list[dict[str, Any]] | None = None,
    each: int | None = 1,
) -> list[dict[str, Any]]:
    """The curve of a run whose only condition was trained by GRPO."""
    train, store = (
        make("train-grpo", {} if each is None else {"grpo": {"num_iterations": each}}),
        Store(tmp_path / "store"),
    )
    with store.hold(train, lambda: None):
        folder = store.open_work(train) / "curves"
        folder.mkdir()
        for name, rows in ((LOGGED, points), (ROLLOUTS, facts), (FILE, looks)):
            if rows is not None:
                files.write_jsonl(folder / name, rows)
        store.commit(train, summary={}, provenance={})
    nodes = ConditionNodes("grpo", 1, train, None, make("grade", {}, inputs={"model": [train]}), None, None)
    return curves(RunView(Plan(resolve(Request("v4")), (nodes,), ()), store))["grpo-1"]


def test_a_divergence_that_only_the_rollouts_have_is_shown(tmp_path: Path) -> None:
    facts = [{"kl": 0.5, "right": 1}, {"right": 0}]
    found = joined(tmp_path, [{"step": 1, "kl": None}, {"step": 2, "kl": None}], facts)
    assert [(row.get("kl"), row["right"]) for row in found] == [(0.5, 1), (None, 0)]


def test_the_trainers_own_divergence_goes_first(tmp_path: Path) -> None:
    assert joined(tmp_path, [{"step": 1, "kl": 0.25}], [{"kl": 0.5}])[0]["kl"] == 0.25


def test_without_rollouts_points_stay_as_they_are(tmp_path: Path) -> None:
    assert joined(tmp_path, [{"step": 1, "loss": 2.0}], None) == [{"step": 1, "loss": 2.0}]


def test_several_steps_may_share_their_answers(tmp_path: Path) -> None:
    points = [{"step": step} for step in (1, 2, 3, 4)]
    assert [row["n"] for row in joined(tmp_path, points, [{"n": 0}, {"n": 1}], each=2)] == [0, 0, 1, 1]


def test_a_stored_training_without_the_settings_of_its_method_has_its_curve(tmp_path: Path) -> None:
    assert joined(tmp_path, [{"step": 1}, {"step": 2}], [{"right": 1}, {"right": 0}], each=None) == [
        {"step": 1, "right": 1},
        {"step": 2, "right": 0},
    ]


def test_a_point_of_a_look_has_what_was_seen_there(tmp_path: Path) -> None:
    points = [{"step": step, "loss": 0.5} for step in (1, 2, 3, 4)]
    looks = [
        {"step": 0, "dev": [True, False], "diagnoses": []},
        {"step": 2, "moved": 0.1, "dev": [True] * 4, "diagnoses": [{"name": "collapse"}, {"name": "no spread"}]},
        {"step": 4, "moved": 0.1, "dev": [], "diagnoses": []},
    ]
    assert joined(tmp_path, points, None, looks) == [
        {"step": 1, "loss": 0.5, "dev": 0.5, "found": []},  # the start model's, which has no point of its own
        {"step": 2, "loss": 0.5, "dev": 1.0, "found": ["collapse", "no spread"]},
        {"step": 3, "loss": 0.5},
        {"step": 4, "loss": 0.5, "dev": None, "found": []},
    ]


def test_a_look_at_the_first_step_goes_before_the_one_at_the_start(tmp_path: Path) -> None:
    looks = [
        {"step": 0, "dev": [False], "diagnoses": []},
        {"step": 1, "moved": 0.1, "dev": [True], "diagnoses": [{"name": "collapse"}]},
    ]
    assert joined(tmp_path, [{"step": 1}], None, looks) == [{"step": 1, "dev": 1.0, "found": ["collapse"]}]


def test_looks_stand_beside_the_facts_of_answers(tmp_path: Path) -> None:
    looks = [{"step": 2, "moved": 0.1, "diagnoses": [{"name": "collapse"}]}]  # of fine-tuning, which asks no dev
    found = joined(tmp_path, [{"step": 1}, {"step": 2}], [{"right": 1}, {"right": 0}], looks)
    assert found == [{"right": 1, "step": 1}, {"right": 0, "step": 2, "dev": None, "found": ["collapse"]}]


def test_a_remedy_of_fine_tuning_names_the_conditions_own_setting(tmp_path: Path) -> None:
    training = make("train-sft", {"sft": {}}, title="train student")
    rows = [look(30, found("x", "--set sft.learning_rate=1e-3"))]
    row = health(training, stored(tmp_path, training, rows), name="student", own=["learning_rate"])
    assert row is not None
    assert [item["remedy"] for item in row["found"]] == ["--set conditions.student.sft.learning_rate=1e-3"]


def test_odd_rows_of_unsealed_files_end_what_is_read(tmp_path: Path, training: Node) -> None:
    odd = [{"step": "x"}, {"step": 5, "diagnoses": 7, "misleading": []}, {"step": 10**30}, [1]]
    for number, strange in enumerate(odd):
        view = stored(tmp_path / str(number), training, [BEFORE, look(30), strange, look(60)])  # type: ignore[list-item]
        row = health(training, view, name="rung")
        assert row is not None
        assert row["looks"] == [30]
