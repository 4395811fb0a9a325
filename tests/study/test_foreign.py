"""Foreign questions in a study: files enter keys by digest, and LaTeX answers pass from the pool to grades."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from noisy_student.answers import math_pool
from noisy_student.context import Context
from noisy_student.data.parts import sizes_of
from noisy_student.data.rows import read_questions
from noisy_student.errors import UserError
from noisy_student.labeling.vote import read_votes
from noisy_student.pipeline.node import parents_first
from noisy_student.records import Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import grade, key, label_quality, split, vote

FORMS = [("\\sqrt{8}", "2\\sqrt{2}"), ("\\frac{\\pi}{2}", "\\frac{2\\pi}{4}"), ("(1,2)", "(1, 2)"), ("7", "7.0")]
here = all(importlib.util.find_spec(name) for name in math_pool.EXTRA)


def test_foreign_questions_change_the_keys_of_split_and_key() -> None:
    keys = [_keys(), _keys(data__foreign={"count": 20})]
    assert [len(found) for found in keys] == [2, 2]
    assert not keys[0] & keys[1]


def _keys(**overrides: Any) -> set[str]:
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    nodes = parents_first(plan(resolve(Request("v1", overrides=dotted))).targets)
    return {node.key for node in nodes if node.stage in ("split", "key")}


def _pool(path: Path, count: int) -> str:
    rows = [
        {
            "source": "olympiads",
            "problem": f"Find $x_{n}$ of the {n}th curve.",
            "solution": f"\\boxed{{{FORMS[n % 4][0]}}}",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _inputs(path: str, **foreign: Any) -> Inputs:
    table = {"kind": "jsonl", "questions": path, "count": 8, **foreign}
    return Inputs(resolve(Request("v1", overrides={"data.labeled": 5, "data.test": 4, "data.foreign": table})))


def test_files_enter_by_their_digest(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, other = _inputs(_pool(tmp_path / "a.jsonl", 8)), _inputs(_pool(tmp_path / "b" / "c.jsonl", 8))
    assert one.data == other.data
    assert one.data["foreign"]["questions"].startswith("sha256:")
    assert str(tmp_path) not in json.dumps(one.data)
    assert _inputs(_pool(tmp_path / "a.jsonl", 9)).data != other.data
    assert sizes_of(one.settings.data).foreign == 8
    assert one.truth_known


@pytest.mark.skipif(not here, reason="the extra math is not installed")
def test_latex_goes_from_the_pool_to_votes_and_grades(tmp_path: Path) -> None:
    shared = _inputs(_pool(tmp_path / "a.jsonl", 8), answers="math")
    assert shared.data["algebra"].startswith("math-verify ")
    spec = {"data": json.loads(json.dumps(shared.data)), "seed": 1, "paths": shared.paths}
    for stage in (split, key):
        folder = tmp_path / stage.__name__.rpartition(".")[2]
        folder.mkdir()
        stage.run(spec, {}, Context(folder))
    asked = read_questions(tmp_path / "split" / "data" / "foreign.jsonl")
    assert {question.kind for question in asked} == {"math"}
    forms = {f"Find $x_{n}$ of the {n}th curve.": FORMS[n % 4] for n in range(8)}
    drawn = [
        Sample(question.id, k, f"So it is \\boxed{{{text}}}.", (), "eos", 0.0, 0, kind=question.kind)
        for question in asked
        for k, text in enumerate((*forms[question.text], "0.123", "0.456"))
    ]
    (tmp_path / "drawn").mkdir()
    write_samples(tmp_path / "drawn" / "samples.jsonl", drawn)
    samples = {"samples": [tmp_path / "drawn"]}
    (tmp_path / "vote").mkdir()
    told = vote.run({"K": 4, "truncated": "abstain", "ties": "none"}, samples, Context(tmp_path / "vote"))
    assert told["labeled"] == 8
    assert {cast.votes for cast in read_votes(tmp_path / "vote" / "data" / "votes.jsonl")} == {2}
    truth = {"key": [tmp_path / "key" / "data"]}
    (tmp_path / "quality").mkdir()
    votes = {"votes": [tmp_path / "vote" / "data"]}
    judged = label_quality.run({}, {**truth, **votes}, Context(tmp_path / "quality"))["votes"]
    assert (judged["questions"], judged["right"], judged["single_right"]) == (8, 8, 4.0)
    (tmp_path / "grade").mkdir()
    graded = grade.run({"truncated": "abstain"}, {**truth, **samples}, Context(tmp_path / "grade"))
    assert (graded["grades"]["n"], graded["grades"]["correct"], graded["grades"]["strict"]) == (32, 16, 16)


def test_latex_without_the_extra_is_refused_when_it_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math_pool, "EXTRA", ("no_such_package",))
    with pytest.raises(UserError, match="no_such_package"):
        _ = _inputs(_pool(tmp_path / "a.jsonl", 8), answers="math").data
