"""Health checks: their steps, stored rows and notices, stopped runs, paused runs, changed weights and the own loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from models import tiny
from refusals import refused
from torch import nn
from training.grpo.test_train import PausedAt
from training.health.lab_run import Fault, run
from training.sft.test_train import HEALTH, encoded
from training.sft.test_train import SPEC as SFT

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable, Paused
from noisy_student.models import lab
from noisy_student.models.load import load
from noisy_student.training.health.checkup import SAMPLED_WEIGHTS, Checkup, StartWeights, own_loss
from noisy_student.training.health.window import Setup, Window, first_seen
from noisy_student.training.measurements import Point
from noisy_student.training.sft import train as sft
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import with_adapter

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
    assert made.rows[1]["moved"] == 0 and first_seen(made.rows) == []


def test_where_no_look_comes_nothing_is_measured() -> None:
    made = checkup(HealthSpec(first=5), losses=())
    assert made.rows == [] and first_seen(made.rows) == []


def test_what_is_found_is_said_kept_and_goes_on(tmp_path: Path) -> None:
    made, context = checkup(), Context(tmp_path)
    made.check(Window(SETUP, 2, POINT), context)
    made.check(Window(SETUP, 4, POINT), context)
    assert [(row["step"], row["name"]) for row in first_seen(made.rows)] == [(2, "learning-rate-too-high")]
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


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)])
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


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.one = nn.Linear(4, 4, bias=True)
        self.other = nn.Linear(4, 4, bias=False)


def test_the_share_that_moved_and_how_far() -> None:
    model = Small()
    start = StartWeights(model)
    assert start.moved(model) == {"moved": 0.0, "change": 0.0}
    with torch.no_grad():
        model.one.weight.fill_(1.0)
        model.other.weight.fill_(1.0)
    ones = StartWeights(model)
    with torch.no_grad():
        model.one.weight += 1.0
        model.embedding.weight += 1.0
        model.one.bias += 1.0
    assert ones.moved(model) == {"moved": 0.5, "change": 0.5**0.5}


def test_what_is_not_trained_is_not_looked_at_and_of_the_rest_little_is_kept() -> None:
    model = Small()
    model.other.weight.requires_grad_(False)
    kept = StartWeights(model)
    with torch.no_grad():
        model.one.weight += 1.0
    assert kept.moved(model)["moved"] == 1.0
    large = nn.Sequential(nn.Linear(500, 500, bias=False))
    assert sum(values.numel() for values in StartWeights(large)._start.values()) < 2 * SAMPLED_WEIGHTS


def test_the_own_loss_is_the_loss_that_the_trainer_has_at_its_first_step(tmp_path: Path) -> None:
    loaded = tiny.loaded()
    rows = encoded(loaded)
    before = own_loss(loaded.model, rows.rows)
    spec = SFT.model_copy(update={"batch": len(rows.rows), "micro_batch": None, "match": "steps", "steps": 1})
    result = sft.train(loaded, rows, spec=spec, health=HEALTH, seed=1, context=Context(tmp_path))
    assert result.curve[0].loss == pytest.approx(before, rel=1e-3)
    assert own_loss(loaded.model, rows.rows) < before


def test_the_own_loss_counts_an_adapter_and_the_mode_stays() -> None:
    loaded = tiny.loaded()
    rows = encoded(loaded).rows
    plain = own_loss(loaded.model, rows)
    adapted = with_adapter(loaded, {"lora": LoraSpec(rank=2).model_dump(mode="json"), "seed": 1})
    adapted.model.train()
    assert own_loss(adapted.model, rows) == pytest.approx(plain)
    with torch.no_grad():
        for name, parameter in adapted.model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.3)
    assert own_loss(adapted.model, rows) != pytest.approx(plain)
    assert adapted.model.training
