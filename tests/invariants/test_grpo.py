"""GRPO by the command line: what a run says of it, and that a stop loses no step that was done."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from workplace import STUDY, Workplace, comparable, wait_until

from noisy_student.report.tables.training import MEASURES, groups_table

GRPO = """
[conditions.grpo]
method = "grpo"
train = ["gold"]
[conditions.grpo-noisy]
method = "grpo"
train = ["gold", "labels.votes"]
grpo = { online_votes = true }
[conditions.grpo-oracle]
method = "grpo"
train = ["gold", "revealed"]
[grpo]
prompts = 2
generations = 4
max_new_tokens = 40
learning_rate = 1e-4
beta = 0.01
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("grpo"), STUDY + GRPO)
    made.complete()
    return made


def summary(place: Workplace, title: str) -> dict[str, Any]:
    path = place.store / "stages" / place.node(title).name / "MANIFEST.json"
    found: dict[str, Any] = json.loads(path.read_text())["summary"]
    return found


def test_the_results_say_what_grpo_visited_and_what_its_groups_taught(place: Workplace) -> None:
    rows = {row["name"]: row for row in place.results()["conditions"]}
    # 16 of 20 labeled questions are not dev; one visit of each, two a step.
    assert (rows["grpo"]["steps"], rows["grpo"]["gold_episodes"], rows["grpo"]["pseudo_episodes"]) == (8, 16, 0)
    oracle = rows["grpo-oracle"]
    assert [oracle[f"{origin}_episodes"] for origin in ("gold", "pseudo", "revealed")] == [16, 0, 24]
    assert rows["baseline"]["gold_episodes"] is None and rows["baseline"]["group_quality"] is None
    for name in ("grpo", "grpo-noisy", "grpo-oracle"):
        groups = rows[name]["group_quality"]["groups"]
        assert sum(row["groups"] for row in groups) == sum(rows[name]["groups"].values())
    labels = {row["label"] for row in rows["grpo-oracle"]["group_quality"]["groups"]}
    assert labels == {"right"}
    assert rows["grpo-noisy"]["group_quality"]["over_steps"]
    stages = {row["stage"]: row for row in place.results()["costs"]["stages"]}
    trained = [summary(place, f"train {name}") for name in ("grpo", "grpo-noisy", "grpo-oracle")]
    assert stages["train-grpo"]["sampled_tokens"] == sum(found["sampled_tokens"] for found in trained)
    curves = json.loads(next((place.folder / "runs").glob("*/curves.json")).read_text())
    assert curves["grpo-1"][0]["right"] is not None and curves["grpo-1"][-1]["kl"] > 0
    assert curves["baseline-1"][0].get("right") is None


def test_the_page_shows_answers_in_training(place: Workplace) -> None:
    page = next((place.folder / "runs").glob("*/report.html")).read_text()
    words = {name: words for name, words, _ in MEASURES}
    assert all(shown in page for shown in (groups_table({}).title, words["right"], words["reward"]))


def test_a_run_that_is_stopped_goes_on_where_it_was(place: Workplace, tmp_path: Path) -> None:
    cut = place.copy(tmp_path / "cut", STUDY + GRPO)
    cut.forget("train grpo")
    progress = cut.store / "work" / cut.node("train grpo").short_key / "progress.json"

    def under_way() -> bool:
        try:
            return 2 <= json.loads(progress.read_text())["done"] < 8
        except (OSError, ValueError):
            return False

    process = cut.start()
    wait_until(under_way, process)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 130
    cut.complete()
    (step,) = summary(cut, "train grpo")["resumed_at_steps"]
    assert 2 <= step < 8
    assert cut.data() == place.data()
    assert comparable(cut.results()) == comparable(place.results())
