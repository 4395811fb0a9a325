"""Inputs: digests of data files in place of their names, and paths by which stages read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.context import Context
from noisy_student.data.parquet import write_parquet
from noisy_student.data.rows import read_questions
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings
from noisy_student.study.stages import key, split

ROWS = [{"question": f"What is {n} plus {n * n}?", "answer": f"#### {n + n * n}"} for n in range(40)]


def _settings(source: dict[str, str]) -> Settings:
    sizes = {"data.labeled": 10, "data.unlabeled": 12, "data.test": 8}
    return resolve(
        Request("v1", overrides={**sizes, **{f"data.source.{name}": value for name, value in source.items()}})
    )


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    write_parquet(folder / "train-00000-of-00001.parquet", ROWS[:30])
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[30:]))
    return folder


@pytest.mark.parametrize("kind", ["hub", "gsm8k", "jsonl"])
def test_the_stages_read_what_the_spec_and_the_paths_say(tmp_path: Path, kind: str) -> None:
    folder = _folder(tmp_path, "sums")
    source = {"kind": kind, "dataset": str(folder), "labeled": "train", "test": "test"}
    if kind == "jsonl":
        source = {
            "kind": kind,
            "labeled": str(folder / "train-00000-of-00001.parquet"),
            "test": str(folder / "test.jsonl"),
        }
    inputs = Inputs(_settings(source))
    spec = {"data": json.loads(json.dumps(inputs.data)), "seed": 1, "paths": inputs.paths}
    (tmp_path / "work").mkdir()
    summary = split.run(spec, {}, Context(tmp_path / "work"))
    assert summary["counts"] == {"labeled": 8, "dev": 2, "unlabeled": 12, "test": 8}
    assert len(read_questions(tmp_path / "work" / "data" / "unlabeled.jsonl")) == 12
    assert key.run(spec, {}, Context(tmp_path / "work"))["answers"] == 22
    assert inputs.truth_known


def test_the_same_files_elsewhere_are_the_same_data(tmp_path: Path) -> None:
    one, other = (
        Inputs(_settings({"kind": "hub", "dataset": str(_folder(tmp_path, name)), "labeled": "train", "test": "test"}))
        for name in ("here", "there")
    )
    assert one.data == other.data
    assert str(tmp_path) not in json.dumps(one.data)
    with (tmp_path / "there" / "test.jsonl").open("a") as file:
        file.write(json.dumps({"question": "One more?", "answer": "1"}) + "\n")
    again = Inputs(_settings({"kind": "hub", "dataset": str(tmp_path / "there"), "labeled": "train", "test": "test"}))
    assert again.data != one.data


def test_what_is_not_there_is_said_when_it_is_planned(tmp_path: Path) -> None:
    with refused("file-not-found", "none.jsonl"):
        _ = Inputs(_settings({"kind": "jsonl", "labeled": str(tmp_path / "none.jsonl")})).data


def test_truth_is_known_where_every_question_to_label_has_an_answer(tmp_path: Path) -> None:
    for name, rows in (("a", ROWS[:20]), ("b", ROWS[20:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    one, other = str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")
    assert Inputs(_settings({"kind": "jsonl", "labeled": one})).truth_known
    assert Inputs(_settings({"kind": "jsonl", "labeled": one, "unlabeled": other})).truth_known
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write('{"question": "One more?"}\n')
    assert not Inputs(_settings({"kind": "jsonl", "labeled": one, "unlabeled": other})).truth_known
    mixed = Inputs(_settings({"kind": "jsonl", "labeled": other, "unlabeled": other}))
    assert not mixed.truth_known and mixed.gold_is_solved


def test_gold_is_solved_where_every_answer_has_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert Inputs(_settings({"kind": "jsonl", "labeled": str(path)})).gold_is_solved
    with path.open("a") as file:
        file.write('{"question": "One more?", "answer": "1"}\n')
    assert not Inputs(_settings({"kind": "jsonl", "labeled": str(path)})).gold_is_solved
