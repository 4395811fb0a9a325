"""Every stage that reads or draws asks whether to go on: no kind of work goes past a deadline unasked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import write_labels
from noisy_student.errors import Paused
from noisy_student.records import Label, Sample
from noisy_student.sampling.sample_file import write_samples
from noisy_student.study.stages import examples, grade, label, vote

SPEC = {"truncated": "abstain", "ties": "none", "K": 1, "seed": 1, "select": {"all": True}, "text": "first"}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    folder = tmp_path / "inputs"
    folder.mkdir()
    write_samples(folder / "samples.jsonl", [Sample("q", 0, "#### 7", (1,), "eos", -1.0, 0)])
    files.write_jsonl(folder / "key.jsonl", [{"question_id": "q", "answer": "7", "solution": None}])
    write_labels(folder / "gold.jsonl", [Label("q", "7", None, "gold")])
    vote.run(SPEC, {"samples": [folder]}, Context(tmp_path / "voted"))
    return {role: [folder] for role in ("samples", "key", "gold", "own")} | {"votes": [tmp_path / "voted/data"]}


STAGES: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "vote": (vote, ("samples",), "vote"),
    "label": (label, ("samples", "votes"), "vote"),
    "random-sample": (label, ("samples",), "random-sample"),
    "grade": (grade, ("samples", "key"), "vote"),
    "examples": (examples, ("gold", "own"), "vote"),
}


@pytest.mark.parametrize("name", STAGES)
def test_it_pauses_after_its_deadline_and_goes_on_without_one(
    name: str, inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    stage, roles, rule = STAGES[name]
    given = {role: inputs[role] for role in roles}
    (tmp_path / "work").mkdir()
    with pytest.raises(Paused):
        stage.run({**SPEC, "rule": rule}, given, Context(tmp_path / "work", deadline=time.time() - 1))
    assert stage.run({**SPEC, "rule": rule}, given, Context(tmp_path / "work"))
    assert any((tmp_path / "work/data").iterdir())
