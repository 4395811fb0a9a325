"""Every stage asks whether to go on; the three that use a model are paused in their own tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import write_labels, write_questions
from noisy_student.errors import Paused
from noisy_student.records import Label, Question, Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study import stages
from noisy_student.study.stages import (
    choose,
    data_check,
    examples,
    gate,
    grade,
    group_quality,
    holdout,
    holdout_votes,
    key,
    label,
    label_quality,
    lineage,
    reveal,
    review,
    split,
    vote,
)

DATA = {"labeled": 5, "unlabeled": 5, "test": 5}
SPEC = {"truncated": "abstain", "ties": "none", "K": 1, "seed": 1, "select": {"all": True}, "text": "first"}
SPEC |= {"data": DATA, "paths": {}, "rates": [1.0], "probes": ["rung"]}
SPEC |= {"questions": 4}
SPEC |= {"error": 0.05, "rounds": 1, "min_agreement": 0.75, "chain": ["baseline"], "name": "round"}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    folder = tmp_path / "inputs"
    folder.mkdir()
    write_samples(folder / "samples.jsonl", [Sample("q", 0, "#### 7", (1,), "eos", -1.0, 0)])
    files.write_jsonl(folder / "key.jsonl", [{"question_id": "q", "answer": "7", "solution": None}])
    write_labels(folder / "gold.jsonl", [Label("q", "7", None, "gold")])
    write_questions(folder / "unlabeled.jsonl", [Question("q", "3 + 4?")])
    vote.run(SPEC, {"samples": [folder]}, Context(tmp_path / "voted"))
    group = {"step": 0, "question_id": "q", "origin": "vote", "label": "7", "answers": 4, "right": 2}
    files.write_jsonl(folder / "groups.jsonl", [group])
    write_labels(folder / "dev_gold.jsonl", [Label("q", "7", None, "gold")])
    files.write_json(folder / "probe.json", {"held": False, "steps": 50, "criteria": []})
    files.write_json(tmp_path / "voted/data/votes.json", {"K": 1, "right": 0, "questions": 1})
    files.write_json(folder / "review.json", {"accepted": True, "alarms": []})
    write_labels(folder / "labels.jsonl", [Label("q", "7", None, "vote")])
    roles = ("samples", "key", "gold", "own", "split", "train", "train-0", "dev-0", "probe-0", "review", "holdout")
    of_rounds = [f"{before}{role}" for before in ("before-", "") for role in ("greedy", "drawn", "labels")]
    voted = {role: [tmp_path / "voted/data"] for role in ("votes", "before-votes")}
    return {role: [folder] for role in (*roles, *of_rounds)} | voted


STAGES: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "vote": (vote, ("samples",), "vote"),
    "label": (label, ("samples", "votes"), "vote"),
    "random-sample": (label, ("samples",), "random-sample"),
    "grade": (grade, ("samples", "key"), "vote"),
    "examples": (examples, ("gold", "own"), "vote"),
    "label-quality": (label_quality, ("votes", "key"), "vote"),
    "group-quality": (group_quality, ("train", "key"), "vote"),
    "choose best-on-dev": (choose, ("split", "train-0", "dev-0"), "best-on-dev"),
    "choose last": (choose, ("train-0",), "last"),
    "gate accepted": (gate, ("train", "review"), "accepted"),
    "gate no-probe-held": (gate, ("probe-0",), "no-probe-held"),
    "gate vote-fails": (gate, ("votes",), "vote-fails"),
    "review": (review, ("split", "greedy", "drawn", "before-greedy", "before-drawn"), "vote"),
    "lineage": (lineage, ("key", "votes", "labels", "before-votes", "before-labels"), "vote"),
    "reveal": (reveal, ("split", "key", "samples"), "vote"),
    "split": (split, (), "vote"),
    "key": (key, (), "vote"),
    "holdout": (holdout, (), "vote"),
    "holdout-votes": (holdout_votes, ("holdout", "samples"), "vote"),
    "data-check": (data_check, (), "vote"),
}
# tests/sampling/test_torch_engine.py, tests/training, tests/invariants/test_preflight.py
WITH_A_MODEL = {"sample", "train_sft", "train_grpo", "rehearsal", "model_check"}


def test_no_kind_of_stage_is_left_out() -> None:
    there = {path.stem for path in Path(stages.__file__).parent.glob("*.py")} - set(stages.SHARED)
    assert there == {stage.__name__.rpartition(".")[2] for stage, _, _ in STAGES.values()} | WITH_A_MODEL


@pytest.mark.parametrize("name", STAGES)
def test_it_pauses_after_its_deadline_and_goes_on_without_one(
    name: str, inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    stage, roles, rule = STAGES[name]
    given, spec = {role: inputs[role] for role in roles}, {**SPEC, "rule": rule, "criterion": rule}
    (tmp_path / "work").mkdir()
    with pytest.raises(Paused):
        stage.run(
            {**SPEC, "rule": rule, "criterion": rule}, given, Context(tmp_path / "work", deadline=time.time() - 1)
        )
    assert stage.run(spec, given, Context(tmp_path / "work"))
    assert any((tmp_path / "work/data").iterdir())
