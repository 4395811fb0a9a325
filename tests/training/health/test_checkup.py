"""The checks at a training: when, what is kept and said, what stops a run, and that a pause changes none of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import refused
from training.grpo.test_train import PausedAt
from training.health.lab_run import Fault, run

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable, Paused
from noisy_student.models import lab
from noisy_student.models.load import load
from noisy_student.training.health.checkup import Checkup
from noisy_student.training.health.window import Setup, Window
from noisy_student.training.measurements import Point
from noisy_student.training.specs.health import HealthSpec

SPEC = HealthSpec(first=2, every=2)
SETUP, POINT = Setup(1e-3, "float32"), [Point(1, 0.5, 1.0)]
SHORT = Fault(grpo={"steps": 5, "prompts": 2, "generations": 4, "max_new_tokens": 12, "learning_rate": 1e-4}, dev=6)


def checkup(spec: HealthSpec = SPEC, *, losses: tuple[float, ...] = (0.5, 0.9, 0.9)) -> Checkup:
    """Looks at a fine-tuning whose loss is measured as one of ``losses`` after the other."""
    left = iter(losses)
    made = Checkup(spec, load(lab.folder("lab-m")).model, measure=lambda: {"own_loss": next(left)})
    made.begin(4)
    return made


def test_it_looks_when_it_is_time_and_once(tmp_path: Path) -> None:
    made, context = checkup(losses=(0.5, 0.4, 0.3)), Context(tmp_path)
    made.begin(4)
    for step in (1, 2, 2, 3, 4):
        made.check(Window(SETUP, step, POINT), context)
    assert [(row["step"], row["own_loss"]) for row in made.rows] == [(0, 0.5), (2, 0.4), (4, 0.3)]
    assert made.rows == list(files.read_jsonl(tmp_path / "curves" / "health.jsonl"))
    assert made.rows[1]["moved"] == 0 and made.found == ()


def test_where_no_look_comes_nothing_is_measured() -> None:
    made = checkup(HealthSpec(first=5), losses=())
    assert made.rows == [] and made.found == ()


def test_what_is_found_is_said_kept_and_goes_on(tmp_path: Path) -> None:
    made, context = checkup(), Context(tmp_path)
    made.check(Window(SETUP, 2, POINT), context)
    made.check(Window(SETUP, 4, POINT), context)
    assert [(row["step"], row["name"]) for row in made.found] == [(2, "learning-rate-too-high")]
    (first, second) = json.loads((tmp_path / "progress.json").read_text())["notices"]
    assert first.startswith("step 2: learning-rate-too-high: On its own first examples the loss rose from 0.50")
    assert second.startswith("step 4: ")


def test_it_stops_a_run_where_it_is_asked_to(tmp_path: Path) -> None:
    made = checkup(HealthSpec(first=2, on_unhealthy="stop"))
    with refused("training-unhealthy", "learning-rate-too-high at step 2", "0.50 to 0.90") as caught:
        made.check(Window(SETUP, 2, POINT), Context(tmp_path))
    assert isinstance(caught.value, NotTrainable)
    assert "--set sft.learning_rate=0.0001" in str(caught.value)
    _, row = files.read_jsonl(tmp_path / "curves" / "health.jsonl")
    assert row["diagnoses"][0]["name"] == "learning-rate-too-high"


def test_a_stopped_run_leaves_its_curves(tmp_path: Path) -> None:
    with refused("training-unhealthy", "at step 2"):
        run(tmp_path, SHORT, health=HealthSpec(first=2, on_unhealthy="stop"))
    for name in ("health", "training", "rollouts"):
        assert len(list(files.read_jsonl(tmp_path / "curves" / f"{name}.jsonl"))) == 2


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_paused_run_has_the_looks_of_the_uninterrupted_one(step: int, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", SHORT, health=SPEC)
    with pytest.raises(Paused):
        run(tmp_path / "part", SHORT, health=SPEC, context=PausedAt(tmp_path / "part", step))
    resumed = run(tmp_path / "part", SHORT, health=SPEC)
    assert resumed.resumed_at_steps == (step,)
    assert resumed.health == whole.health != ()
    checks = [(tmp_path / which / "curves" / "health.jsonl").read_bytes() for which in ("whole", "part")]
    assert checks[0] == checks[1]


def test_looks_change_nothing_of_a_training(tmp_path: Path) -> None:
    looked = run(tmp_path / "looked", SHORT, health=SPEC)
    alone = run(tmp_path / "alone", SHORT, health=HealthSpec(first=1000, dev=0))
    assert looked.groups == alone.groups
    assert [point.loss for point in looked.curve] == [point.loss for point in alone.curve]
