"""The wall by what runs: without the key nothing changes before the grade; with it in place of the votes, all does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from noisy_student.context import Context
from noisy_student.data.key_file import read_key
from noisy_student.data.rows import read_questions
from noisy_student.labeling.vote import write_votes
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local
from noisy_student.records import Sample, Vote
from noisy_student.sampling.sample import write_samples
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import examples as examples_stage
from noisy_student.study.stages import label as label_stage

SMALL = {
    "data.labeled": 10,
    "data.unlabeled": 12,
    "data.test": 8,
    "teacher": "base",
    "labels.votes.K": 4,
    "compute.workers": 1,
    # An untrained-for vote may reach no agreement; what is compared here must not be skipped.
    "conditions.filtered.select.min_agreement": 0.25,
}


def compute(targets: list[Node], root: Path) -> Store:
    """A store that holds the targets; every failure shows."""
    store = Store(root)
    result = run_graph(targets, store, executor=local(store))
    assert {outcome.kind for outcome in result.outcomes.values()} <= {"done", "cached"}, result.outcomes
    return store


def training_side(planned: Plan) -> list[Node]:
    """The examples of every condition that learns from votes, and none that learns from the revealed key."""
    names = ("baseline", "pseudo-only", "noisy-student", "filtered", "random-sample")
    return [item.learned for item in planned.conditions if item.name in names and item.learned is not None]


def with_file(path: Path) -> Plan:
    return plan(resolve(Request(overrides={**SMALL, **sources(path)})))


def sources(folder: Path) -> dict[str, Any]:
    return {
        "data.source": {
            "kind": "jsonl",
            **{part: str(folder / f"{part}.jsonl") for part in ("labeled", "unlabeled", "test")},
        }
    }


def write_sources(folder: Path, *, unlabeled_answers: bool) -> None:
    """The same questions twice: once with the answers of the unlabeled ones, once without."""
    folder.mkdir()
    number = 0
    for part, count in (("labeled", 10), ("unlabeled", 12), ("test", 8)):
        rows = []
        for _ in range(count):
            number += 1
            row = {"question": f"{NAMES[number % 5]} has {number} apples and buys {3 * number} more. How many now?"}
            if part != "unlabeled" or unlabeled_answers:
                row |= {"answer": str(4 * number), "solution": f"{number}+{3 * number}={4 * number}\n#### {4 * number}"}
            rows.append(json.dumps(row))
        (folder / f"{part}.jsonl").write_text("\n".join(rows) + "\n")


NAMES = ("Tom", "Ana", "Ben", "Mia", "Sam")


def test_no_node_before_training_has_the_key_among_its_inputs() -> None:
    planned = plan(resolve(Request(overrides=SMALL)))
    assert "key" not in {node.stage for node in parents_first(training_side(planned))}
    assert "key" in {node.stage for node in parents_first(planned.targets)}


@pytest.mark.slow
def test_without_the_answers_of_the_unlabeled_questions_the_examples_are_the_same(tmp_path: Path) -> None:
    digests = []
    for known in (True, False):
        folder = tmp_path / f"answers-{known}"
        write_sources(folder, unlabeled_answers=known)
        examples = training_side(with_file(folder))
        store = compute(examples, tmp_path / f"store-{known}")
        assert not list((tmp_path / f"store-{known}" / "stages").glob("key-*"))
        manifests = [store.manifest(node) for node in examples]
        digests.append([manifest.output_digest for manifest in manifests if manifest is not None])
    assert len(digests[0]) == 5
    assert digests[0] == digests[1]


def test_with_the_key_in_place_of_the_votes_the_examples_are_the_oracles(tmp_path: Path) -> None:
    planned = plan(resolve(Request(overrides=SMALL)))
    by_name = {item.name: item for item in planned.conditions}
    oracle = by_name["oracle"].learned
    assert oracle is not None
    split, reveal = oracle.inputs["gold"][0], oracle.inputs["labels"][0]
    key_node = reveal.inputs["key"][0]
    store = compute([oracle, key_node], tmp_path / "store")
    control = tmp_path / "control"
    votes_from_key(store.data(split), store.data(key_node), control)
    student = by_name["noisy-student"].learned
    assert student is not None
    label = student.inputs["labels"][0]
    labels = Context(tmp_path / "labels")
    label_stage.run({**label.spec, "seed": 1}, {"votes": [control], "samples": [control]}, labels)
    made = Context(tmp_path / "examples")
    summary = examples_stage.run({}, {"gold": [store.data(split)], "labels": [labels.data]}, made)
    manifest = store.manifest(oracle)
    assert manifest is not None
    assert summary["examples"] == 8 + 12
    assert summary["sha256"] == manifest.summary["sha256"]


def votes_from_key(split: Path, key: Path, control: Path) -> None:
    """Unanimous votes for the truth, and samples that are the key's own solutions."""
    control.mkdir()
    truth = read_key(key / "key.jsonl")
    entries = [truth[question.id] for question in read_questions(split / "unlabeled.jsonl")]
    votes = [Vote(entry.question_id, entry.answer, 4, 4, 0, False, ((entry.answer, 4),)) for entry in entries]
    write_votes(control / "votes.jsonl", votes)
    samples = [Sample(entry.question_id, 0, entry.solution or "", (1,), "eos", 0.0, 1) for entry in entries]
    write_samples(control / "samples.jsonl", samples)


@pytest.mark.parametrize("study", ["v1", "v1-5", "combined"])
def test_truth_reaches_training_through_reveal_only(study: str) -> None:
    planned = plan(resolve(Request(study=study)))
    for node in parents_first(planned.targets):
        if node.stage.startswith("train"):
            lanes = {step.stage for step in parents_first([node])}
            assert "key" not in lanes or "reveal" in lanes
