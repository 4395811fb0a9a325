"""A ladder of probes by the command line: it ends at the rung that works; a stopped training keeps its diagnosis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from workplace import Workplace, comparable

from noisy_student.report.sections import CHAPTERS

PROBE = "probe = { first = 2, every = 1, slope_from = 0, slope_to = 4, ended = 0.01 }, drift_every = 1"
LADDER = f"""
question = "Which rung works?"
[data]
labeled = 20
unlabeled = 20
test = 16
[conditions]
base = {{ method = "none" }}
[conditions.still]
method = "grpo"
train = ["gold"]
grpo = {{ {PROBE}, learning_rate = 1e-12 }}
[conditions.cut]
after = "still"
method = "grpo"
train = ["gold"]
grpo = {{ {PROBE}, max_new_tokens = 2 }}
[conditions.works]
after = "cut"
method = "grpo"
train = ["gold"]
grpo = {{ {PROBE}, temperature = 0.9, rewards = {{ termination = 0.1 }} }}
[conditions.idle]
after = "works"
method = "grpo"
train = ["gold"]
grpo = {{ {PROBE} }}
[evaluation]
sampled_questions = 4
stop_questions = 4
[evaluation.decoding]
max_new_tokens = 24
[evaluation.sampled]
max_new_tokens = 24
[grpo]
prompts = 4
generations = 4
max_new_tokens = 40
learning_rate = 1e-3
match = "steps"
steps = 4
[health]
first = 2
every = 2
on_unhealthy = "stop"
[compute]
chunk = 8
workers = 1
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("ladder"), LADDER)
    made.complete()
    return made


def test_it_ends_at_the_rung_that_works_and_says_what_to_go_on_with(place: Workplace) -> None:
    (ladder,) = place.results()["ladder"]
    status = {rung["name"]: rung["status"] for rung in ladder["rungs"]}
    # Nothing ends within two tokens, so the looks stop that rung: it has not held, and the next one is tried.
    assert status == {"still": "failed", "cut": "stopped", "works": "held", "idle": "skipped"}
    assert (ladder["before"], ladder["after"], ladder["held"]) == ("still", "works", "works")
    assert ladder["recommended"] == ["--set grpo.temperature=0.9", "--set grpo.rewards.termination=0.1"]
    reasons = {rung["name"]: rung["reason"] for rung in ladder["rungs"]}
    assert "answers-never-end at step 2" in reasons["cut"]
    assert "Probe works met its criteria at step" in reasons["idle"]


def test_a_training_that_was_stopped_keeps_its_curves_and_diagnosis(place: Workplace) -> None:
    rows = {row["name"]: row for row in place.results()["conditions"]}
    assert rows["cut"]["status"] == "skipped" and "answers-never-end" in rows["cut"]["reason"]
    assert [found["name"] for found in rows["cut"]["health"]["found"]] == ["answers-never-end"]
    curves = json.loads(next((place.folder / "runs").glob("*/curves.json")).read_text())
    assert curves["cut-1"][1]["found"] == ["answers-never-end"] and curves["cut-1"][0]["stopped"] == 0
    page = next((place.folder / "runs").glob("*/report.html")).read_text()
    for words in (
        f"<h2>{CHAPTERS['probes']}</h2>",
        "Before and after",
        "answers-never-end",
        "(lab-m) with: --set grpo.temperature=0.9",
    ):
        assert words in page


def test_the_terminal_says_it_and_a_second_run_computes_nothing(place: Workplace, tmp_path: Path) -> None:
    before = place.manifests()
    again = place.complete()
    assert "works met its criteria" in again.stdout
    assert "Unhealthy: cut (seed 1), step 2: answers-never-end." in again.stdout
    assert place.manifests() == before
    apart = Workplace(tmp_path / "apart", LADDER)
    apart.complete("--set", "compute.workers=2")
    assert apart.data() == place.data()
    settings = comparable(apart.results())["settings"]
    assert settings["compute"]["workers"] == 2
    assert comparable(apart.results())["ladder"] == comparable(place.results())["ladder"]
