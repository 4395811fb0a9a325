"""Whole runs: lossless stopping trains the same student on fewer samples; recorded samples give the same votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workplace import STUDY, Workplace

from noisy_student import files

LABELS = """
[labels.quick]
K = 4
stopping = "lossless"
min_agreement = 0.5
[labels.sure]
K = 4
stopping = "beta"
[labels.half]
K = 4
share = 0.5
[labels.replayed]
K = 4
samples = "SAMPLES"
[conditions.full]
train = ["gold", "labels.votes"]
select = { min_agreement = 0.5 }
[conditions.lossless]
train = ["gold", "labels.quick"]
select = { min_agreement = 0.5 }
[conditions.beta]
train = ["gold", "labels.sure"]
[conditions.halved]
train = ["gold", "labels.half"]
select = { min_agreement = 0.25 }
[conditions.replay]
train = ["gold", "labels.replayed"]
select = { min_agreement = 0.5 }
[conditions.agreed]
train = ["gold", "labels.votes"]
select = { agreed_like = "full" }
[predictions.sure]
condition = "full"
measure = "coverage"
below = 0.999
"""
# Ties would have a winner by the first seen, whom a threshold of a half lets pass: that too must be kept.
SOME = STUDY.replace("max_new_tokens = 24\n[evaluation]", "max_new_tokens = 40\n[evaluation]", 1)
# One run of a study with five sets of labels serves all tests.
pytestmark = pytest.mark.slow


def labels_of(folder: Path) -> str:
    return LABELS.replace("SAMPLES", str(folder / "samples.jsonl"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    folder = tmp_path_factory.mktemp("stopping")
    first = Workplace(folder / "first", SOME)
    first.complete()
    sampled = [node for node in first.nodes() if node.title == "sample baseline on unlabeled"]
    rows = [
        row for node in sampled for row in files.read_jsonl(first.store / "stages" / node.name / "data/samples.jsonl")
    ]
    # Drawn elsewhere, with other seeds, in any order, with more than is asked for.
    more = [{**row, "seed": 1} for row in reversed(rows)] + [{**rows[0], "k": 9}]
    second = first.copy(folder / "second", SOME + labels_of(folder / "second"))
    files.write_jsonl(second.folder / "samples.jsonl", more)
    second.complete()
    return second


def examples(place: Workplace, name: str) -> bytes:
    return (place.store / "stages" / place.node(f"examples {name}").name / "data" / "examples.jsonl").read_bytes()


def test_lossless_gives_the_same_student_for_fewer_samples(place: Workplace) -> None:
    assert examples(place, "lossless") == examples(place, "full")
    rows = {row["condition"]: row for row in place.results()["selections"]}
    assert rows["lossless"]["samples"] < rows["full"]["samples"] == 24 * 4
    for name in ("accepted", "right", "coverage", "precision"):
        assert rows["lossless"][name] == rows["full"][name]
    students = {row["name"]: row["correct"] for row in place.results()["conditions"]}
    assert students["lossless"] == students["full"]


def test_what_stopping_leaves_unknown_is_none(place: Workplace) -> None:
    rows = {row["name"]: row for row in place.results()["labels"]}
    assert rows["quick"]["accuracy"] is None and rows["quick"]["single_accuracy"] is None
    assert rows["sure"]["accuracy"] is not None and rows["sure"]["single_accuracy"] is None
    assert rows["quick"]["by_level"] == rows["sure"]["by_level"] == rows["sure"]["curve"] == []
    assert [k for k, _ in rows["votes"]["curve"]] == [1, 2, 4]
    assert rows["votes"]["curve"][0][1] == pytest.approx(rows["votes"]["single_accuracy"])


def test_a_replay_gives_the_same_votes_and_costs_nothing(place: Workplace) -> None:
    assert examples(place, "replay") == examples(place, "full")
    (node,) = (node for node in place.nodes() if node.title.startswith("samples in"))
    assert str(place.folder / "samples.jsonl") in node.title
    sampled = sum(
        json.loads((path / "MANIFEST.json").read_text())["summary"]["tokens"]
        for path in place.store.glob("stages/sample-*")
        if path.name != node.name and path.name in {each.name for each in place.nodes()}
    )
    assert place.results()["costs"]["totals"]["sampled_tokens"] == sampled


def test_a_share_votes_on_the_first_questions_of_the_same_samples(place: Workplace) -> None:
    rows = {row["condition"]: row for row in place.results()["selections"]}
    assert (rows["halved"]["questions"], rows["halved"]["samples"]) == (12, 48)
    votes = [node for node in place.nodes() if node.stage == "vote" and node.spec.get("questions") == 12]
    assert len(votes) == 1
    (full,) = (
        node for node in place.nodes() if node.stage == "vote" and node.inputs == votes[0].inputs and node != votes[0]
    )
    assert full.spec["K"] == 4


def test_as_many_of_the_most_agreed_are_the_agreed_themselves(place: Workplace) -> None:
    rows = {row["condition"]: row for row in place.results()["selections"]}
    assert rows["agreed"]["accepted"] == rows["full"]["accepted"]


def test_costs_are_those_of_the_manifests(place: Workplace) -> None:
    costs = place.results()["costs"]
    stages = {row["stage"]: row for row in costs["stages"]}
    manifests = {node: summary_of(place, node.name) for node in place.nodes()}
    trained = [found for node, found in manifests.items() if node.stage == "train-sft"]
    read = sum(found["read_tokens"] for found in trained)
    assert stages["train-sft"]["trained_tokens"] == read
    assert stages["train-sft"]["flops"] == 6 * trained[0]["parameters"] * read
    sampled = [found for node, found in manifests.items() if node.stage == "sample" and found["parameters"]]
    tokens = sum(found["tokens"] + found["prompt_tokens"] for found in sampled)
    assert stages["sample"]["flops"] == 2 * trained[0]["parameters"] * tokens
    assert costs["totals"]["flops"] == stages["sample"]["flops"] + stages["train-sft"]["flops"]
    assert costs["totals"]["usd"] is None
    assert stages["vote"]["flops"] is None


def summary_of(place: Workplace, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.store / "stages" / name / "MANIFEST.json").read_text())["summary"]
    return found


def test_a_price_is_in_the_costs(place: Workplace) -> None:
    done = place.complete("--set", "compute.usd_per_hour=3.6", "--runs", "priced", "--json")
    costs = json.loads(done.stdout)["costs"]
    assert costs["totals"]["usd"] == pytest.approx(costs["totals"]["seconds"] / 1000, rel=1e-6)


def test_samples_that_are_missing_are_named(place: Workplace, tmp_path: Path) -> None:
    other = place.copy(tmp_path / "other", SOME + labels_of(tmp_path / "other"))
    rows = list(files.read_jsonl(place.folder / "samples.jsonl"))
    gone = rows[0]["question_id"]
    files.write_jsonl(other.folder / "samples.jsonl", [row for row in rows if row["question_id"] != gone])
    done = other.run()
    assert done.returncode == 1
    assert f"lacks samples of 1 of 24 questions; of {gone} it lacks k = 0, 1, 2, 3" in " ".join(
        (done.stdout + done.stderr).split()
    )
    (other.folder / "samples.jsonl").unlink()
    done = other.run()
    assert done.returncode == 1 and "There is no file" in done.stderr
