"""Chains of rounds by the command line: where one ends, what comes of the rest, and that a stop changes nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from workplace import Workplace, comparable, ended, wait_until

from noisy_student.data.rows import read_labels
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.report.tables.rounds import gains_table, passes_table
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

# The second round of "spoiled" learns with a rate that leaves nothing of its model; "on" accepts whatever comes.
CHAIN = """
question = "Where does a chain end?"
[data]
labeled = 100
unlabeled = 24
test = 16
[rounds.spoiled]
rounds = 3
K = 4
min_agreement = 0.25
error = 0.9
passes = true
[rounds.on]
rounds = 2
K = 4
min_agreement = 0.25
error = 1e-9
continued = true
[conditions]
base = { method = "none", passes = true }
baseline = { train = ["gold"] }
afresh = { train = ["gold", "labels.on-2"], select = { min_agreement = 0.25 } }
[conditions.spoiled-2]
method = "grpo"
grpo = { learning_rate = 0.1 }
[primary]
rounds-help = { a = "on", b = "baseline" }
[answers]
truncated = "last-number"
ties = "first-seen"
[sampling]
max_new_tokens = 48
[evaluation]
sampled_questions = 4
stop_questions = 4
passes_k = 4
passes_questions = 8
[evaluation.decoding]
max_new_tokens = 48
[evaluation.sampled]
max_new_tokens = 24
[evaluation.passes]
max_new_tokens = 24
[sft]
epochs = 1.0
batch = 8
[grpo]
prompts = 4
generations = 4
max_new_tokens = 24
match = "steps"
steps = 3
[compute]
chunk = 32
block = 24
workers = 1
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("rounds"), CHAIN)
    (made.folder / "out.txt").write_text(made.complete().stdout)
    return made


def rows(results: dict[str, Any], table: str, name: str) -> dict[str, dict[str, Any]]:
    return {row[name]: row for row in results[table]}


def trained(place: Workplace, name: str) -> Node:
    """By condition: chains share their first students, which have one title."""
    made = plan(resolve(Request(str(place.study))))
    (node,) = [item.train for item in made.conditions if item.name == name]
    assert node is not None
    return node


def selected(place: Workplace, name: str) -> set[str]:
    """Ids of the questions whose stored labels a round learned from."""
    (learned,) = [item.learned for item in plan(resolve(Request(str(place.study)))).conditions if item.name == name]
    assert learned is not None
    (labels,) = learned.inputs["labels"]
    return {label.question_id for label in read_labels(place.store / "stages" / labels.name / "data" / "labels.jsonl")}


def weights(place: Workplace, node: Node) -> bytes:
    return (place.store / "stages" / node.name / "data" / "model" / "model.safetensors").read_bytes()


def test_a_chain_ends_before_the_student_that_was_turned_down(place: Workplace) -> None:
    results = place.results()
    rounds = rows(results, "rounds", "condition")
    assert {name: row["status"] for name, row in rounds.items()} == {
        "spoiled-1": "accepted",
        "spoiled-2": "turned down",
        "spoiled-3": "skipped",
        "on-1": "accepted",
        "on-2": "accepted",
    }
    down = rounds["spoiled-2"]
    assert down["p_worse"] <= down["level"] == pytest.approx(0.3)
    assert down["now"]["accuracy"] < down["before"]["accuracy"] == rounds["spoiled-1"]["now"]["accuracy"]
    assert "answers became wrong" in down["reason"]
    conditions = rows(results, "conditions", "name")
    assert {name: row["status"] for name, row in conditions.items() if name.startswith("spoiled")} == {
        "spoiled-1": "done",
        "spoiled-2": "done",
        "spoiled-3": "skipped",
        "spoiled": "done",
    }
    for row in (rounds["spoiled-3"], conditions["spoiled-3"]):
        assert f"spoiled-2 was rejected by its review: {down['reason']}" in row["reason"]
    assert (conditions["spoiled"]["last"], conditions["on"]["last"]) == ("spoiled-1", "on-2")
    assert weights(place, trained(place, "spoiled")) == weights(place, trained(place, "spoiled-1"))
    assert results["status"] == "done"


def test_a_round_is_tested_on_dev_and_the_last_student_once_on_test(place: Workplace) -> None:
    results = place.results()
    conditions = rows(results, "conditions", "name")
    assert {name for name, row in conditions.items() if row["graded_on"] == "dev"} == {
        "spoiled-1", "spoiled-2", "spoiled-3", "on-1", "on-2",
    }  # fmt: skip
    assert (conditions["on-1"]["n"], conditions["on"]["n"]) == (20, 16)
    assert conditions["spoiled"]["learns_from"] == ["gold", "labels.spoiled-3"]
    compared = {name for finding in results["findings"] for name in (finding["a"], finding["b"])}
    assert compared == {"base", "baseline", "afresh", "spoiled", "on"}
    # The model that is named in the end was tested on test questions.
    out = (place.folder / "out.txt").read_text()
    (best,) = [line for line in out.splitlines() if line.startswith("Best model:")]
    assert best.split(": ")[1].split(",")[0] in {"base", "baseline", "afresh", "spoiled", "on"}


def test_the_labels_of_a_round_are_followed_from_the_one_before(place: Workplace) -> None:
    rounds = rows(place.results(), "rounds", "condition")
    assert rounds["on-1"]["lineage"] is None, "there are no votes before the first"
    found = rounds["on-2"]["lineage"]
    assert found["questions"] == 24 == sum(found[kind] for kind in ("same", "flipped", "gained", "lost", "without"))
    assert found["kept"] + found["added"] == rounds["on-2"]["selected"]
    earlier, later = selected(place, "on-1"), selected(place, "on-2")
    assert found["kept"] + len(earlier - later) == rounds["on-1"]["selected"]


def test_a_student_that_goes_on_begins_at_the_one_before(place: Workplace) -> None:
    on, afresh = trained(place, "on-2"), trained(place, "afresh")
    assert on.inputs["examples"] == afresh.inputs["examples"]
    (before,) = on.inputs["start"]
    assert before.title == "accept on-1" and set(on.spec["model"]) == {"dtype", "attn", "pad"}
    assert weights(place, before) == weights(place, trained(place, "on-1")), "a gate hands on what was trained"
    assert trained(place, "on-1") == trained(place, "spoiled-1")
    assert weights(place, on) != weights(place, afresh)
    manifest = Store(place.store).manifest(on)
    assert manifest is not None
    assert manifest.node["inputs"]["start"] == [before.key]
    assert "start" not in afresh.inputs


def test_the_page_and_the_terminal_tell_of_the_rounds(place: Workplace) -> None:
    page = next((place.folder / "runs").glob("*/report.html")).read_text()
    out = (place.folder / "out.txt").read_text()
    for shown in (page, out):
        for words in ("turned down", passes_table({}).title, gains_table({}).title):
            assert words in shown
    (gain,) = place.results()["passes"]["gains"]
    assert (gain["a"], gain["b"], gain["many"]["name"]) == ("spoiled", "base", "pass@4")
    assert [point["k"] for curve in place.results()["passes"]["curves"] for point in curve["points"]] == [1, 2, 4] * 2


def test_a_chain_that_was_interrupted_is_the_chain_that_was_not(place: Workplace, tmp_path: Path) -> None:
    apart = Workplace(tmp_path / "apart", CHAIN)
    process = apart.start()
    wait_until(lambda: any(apart.store.glob("stages/review-*/MANIFEST.json")), process)
    os.kill(process.pid, signal.SIGTERM)
    assert ended(process).returncode == 130
    assert 0 < len(apart.data()) < len(place.data())
    apart.complete("--set", "compute.workers=2")
    assert apart.data() == place.data()
    results = [{**comparable(each.results()), "settings": None} for each in (apart, place)]
    assert results[0] == results[1]


def test_a_second_run_computes_nothing(place: Workplace) -> None:
    before, results = place.manifests(), place.results()
    again = place.complete("--json")
    assert json.loads(again.stdout) == results
    assert place.manifests() == before
