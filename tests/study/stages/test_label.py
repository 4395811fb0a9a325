"""Labels by a precision that dev shows, and labels of the key made wrong on purpose, as stages on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.context import Context
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import read_labels, write_labels, write_questions
from noisy_student.labeling.vote import ballots, votes, write_votes
from noisy_student.pipeline.node import parents_first
from noisy_student.records import Label, Question, Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import label, reveal

K = 3
SPEC = {"rule": "vote", "truncated": "abstain", "text": "first", "seed": 1}


def voted(folder: Path, agreed: list[tuple[str, str, int]]) -> Path:
    """A folder with samples and votes: question, answer, and how many of three reach it."""
    folder.mkdir()
    samples = [
        Sample(name, k, f"#### {answer if k < count else 900 + k}", (1,), "eos", -1.0, 0)
        for name, answer, count in agreed
        for k in range(K)
    ]
    write_samples(folder / "samples.jsonl", samples)
    write_votes(folder / "votes.jsonl", votes(ballots(samples, truncated="abstain"), k=K, ties="none"))
    return folder


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    """On dev, 30 votes of all three are right, and of 30 votes of two 24."""
    dev = [(f"d{i:02}", "1", 3 if i < 30 else 2) for i in range(60)]
    shown = voted(tmp_path / "shown", dev)
    gold = [Label(name, "2" if 30 <= i < 36 else "1", None, "gold") for i, (name, *_) in enumerate(dev)]
    write_labels(tmp_path / "dev_gold.jsonl", gold)
    asked = voted(tmp_path / "asked", [("a", "5", 3), ("b", "6", 2), ("c", "7", 1), ("d", "8", 3)])
    return {"split": [tmp_path], "shown": [shown], "votes": [asked], "samples": [asked]}


def run(inputs: dict[str, list[Path]], folder: Path, **spec: Any) -> tuple[dict[str, Any], list[Label]]:
    context = Context(folder)
    found = label.run({**SPEC, "select": {}, **spec}, inputs, context)
    return found, read_labels(context.data / "labels.jsonl")


@pytest.mark.parametrize(("target", "votes_of_three", "ids"), [(0.9, 3, "ad"), (0.8, 2, "abd"), (0.5, 2, "abd")])
def test_the_loosest_threshold_that_dev_shows_is_taken(
    target: float, votes_of_three: int, ids: str, inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    found, labels = run(inputs, tmp_path / "out", target=target)
    assert "".join(row.question_id for row in labels) == ids
    assert found == {"questions": len(ids), "labels": len(ids), "min_agreement": votes_of_three / K}
    # As if the threshold had been asked for.
    assert run(inputs, tmp_path / "plain", select={"min_agreement": votes_of_three / K})[1] == labels


def test_a_precision_that_dev_does_not_show_is_no_label(inputs: dict[str, list[Path]], tmp_path: Path) -> None:
    with refused("precision-not-shown", "0.99", "60"):
        run(inputs, tmp_path / "out", target=0.99)


def test_a_target_reads_dev_and_no_key() -> None:
    made = plan(resolve(Request("threshold")))
    (condition,) = [item for item in made.conditions if item.name == "target-90"]
    assert condition.learned is not None
    (node,) = condition.learned.inputs["labels"]
    assert node.spec["target"] == 0.9 and node.spec["select"] == {}
    assert {each.spec["part"] for each in parents_first(node.inputs["shown"]) if each.stage == "sample"} == {"dev"}
    assert "key" not in {each.stage for each in parents_first([node])}


@pytest.mark.parametrize("target", [0.0, 1.0, 1, "high", 0.9])
def test_a_target_is_a_share_and_stands_alone(target: object) -> None:
    select = {"target_precision": target, **({"all": True} if target == 0.9 else {})}
    with refused("selection-invalid", "target_precision"):
        resolve(Request("threshold", overrides={"conditions.target-90": {"train": ["labels.votes"], "select": select}}))


def test_true_labels_are_made_wrong_on_purpose(tmp_path: Path) -> None:
    names = [f"q{i}" for i in range(8)]
    write_questions(tmp_path / "unlabeled.jsonl", [Question(name, f"{name}?") for name in names])
    write_key(tmp_path / "key.jsonl", AnswerKey({name: KeyEntry(name, "1", "#### 1") for name in names}))
    # Of q6 and q7 no sample is wrong.
    samples = [
        Sample(name, k, f"{'abc'[k]} #### {answer}", (1,), "eos", -1.0, 0)
        for name in names
        for k, answer in enumerate(("1", "4", "4") if name < "q6" else ("1", "1", "1"))
    ]
    write_samples(tmp_path / "samples.jsonl", samples)
    inputs = {role: [tmp_path] for role in ("split", "key", "samples")}
    made: dict[float | None, list[Label]] = {}
    for accuracy in (None, 1.0, 0.5):
        context = Context(tmp_path / f"out-{accuracy}")
        spec = {"text": "first", "truncated": "abstain", "seed": 1}
        found = reveal.run(spec if accuracy is None else {**spec, "accuracy": accuracy}, inputs, context)
        made[accuracy] = read_labels(context.data / "labels.jsonl")
        assert found == {"questions": len(made[accuracy]), "labels": len(made[accuracy])}
    assert [len(made[accuracy]) for accuracy in (None, 1.0, 0.5)] == [8, 6, 6]
    assert {(row.answer, row.solution) for row in made[1.0]} == {("1", "a #### 1")}
    assert sorted((row.answer, row.solution) for row in made[0.5]) == [("1", "a #### 1")] * 3 + [("4", "b #### 4")] * 3
