"""The question as the student reads it, and the reasoning it reads: the stages that take another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import read_questions, write_labels, write_questions
from noisy_student.data.spec import DataSpec
from noisy_student.labeling.examples import read_examples, write_examples
from noisy_student.models import lab
from noisy_student.models.load import load
from noisy_student.records import Example, Label, Question
from noisy_student.study.plan.inputs import find
from noisy_student.study.plan.specs import sft
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import examples, split, train_sft


def test_views_are_written_where_the_data_have_them(tmp_path: Path) -> None:
    data = DataSpec(labeled=10, unlabeled=8, test=5)
    for views in (False, True):
        context = Context(tmp_path / str(views))
        spec = {"data": data.model_copy(update={"views": views}).model_dump(mode="json"), "seed": 1, "paths": {}}
        split.run(spec, {}, context)
    assert not (tmp_path / "False/data/views.jsonl").exists()
    folder = tmp_path / "True/data"
    written = read_questions(folder / "views.jsonl")
    asked = {q.id: q.text for part in ("labeled", "unlabeled") for q in read_questions(folder / f"{part}.jsonl")}
    assert {question.id for question in written} == set(asked)
    assert all(set(row) == {"id", "text"} for row in files.read_jsonl(folder / "views.jsonl"))
    assert not any(question.text == asked[question.id] for question in written)
    same = ("unlabeled.jsonl", "test.jsonl", "gold.jsonl", "manifest.json")
    assert all((folder / name).read_bytes() == (tmp_path / "False/data" / name).read_bytes() for name in same)


@pytest.fixture
def taught(tmp_path: Path) -> dict[str, list[Path]]:
    """Two questions to learn from; only one of them has another wording."""
    write_questions(tmp_path / "labeled.jsonl", [Question("a", "Tom has 5 apples.")])
    write_questions(tmp_path / "unlabeled.jsonl", [Question("b", "Ana has 2 pens.")])
    write_questions(tmp_path / "views.jsonl", [Question("a", "Tom starts with 5 apples.")])
    write_examples(tmp_path / "examples.jsonl", [Example("a", "#### 5")])
    return {"split": [tmp_path], "examples": [tmp_path]}


def test_a_student_reads_the_other_wording(taught: dict[str, list[Path]], tmp_path: Path) -> None:
    settings = resolve(Request("v1"))
    base = find(settings.model)
    spec = {**sft(settings), "model": base.spec, "paths": base.paths, "seed": 1}
    plain = train_sft.run(spec, taught, Context(tmp_path / "plain"))
    view = train_sft.run({**spec, "view": "paraphrase"}, taught, Context(tmp_path / "view"))
    write_questions(tmp_path / "labeled.jsonl", [Question("a", "Tom starts with 5 apples.")])
    other = train_sft.run(spec, taught, Context(tmp_path / "other"))
    assert view["digest"] == other["digest"] != plain["digest"]
    assert load(lab.folder("lab-m")).digest != view["digest"]
    write_examples(tmp_path / "examples.jsonl", [Example("a", "#### 5"), Example("b", "#### 2")])
    with refused("view-missing", "1 of 2", "paraphrase") as raised:
        train_sft.run({**spec, "view": "paraphrase"}, taught, Context(tmp_path / "lacking"))
    assert "data.source.fields.paraphrase" in raised.value.do


def test_rationales_are_shuffled_where_it_is_asked(tmp_path: Path) -> None:
    gold, given = tmp_path / "gold", tmp_path / "given"
    gold.mkdir()
    given.mkdir()
    write_labels(gold / "gold.jsonl", [Label("g", "1", "own\n#### 1", "gold")])
    write_labels(given / "labels.jsonl", [Label(name, name, f"{name}!\n#### {name}", "vote") for name in ("2", "3")])
    inputs = {"gold": [gold], "labels": [given]}
    context = Context(tmp_path / "work")
    summary = examples.run({"seed": 1, "shuffle": "rationale"}, inputs, context)
    assert (summary["shuffled"], summary["kept"], summary["equal"]) == (2, 1, 0)
    targets = {row.question_id: row.target for row in read_examples(context.data / "examples.jsonl")}
    assert targets == {"g": "own\n#### 1", "2": "3!\n#### 2", "3": "2!\n#### 3"}
    assert "shuffled" not in examples.run({"seed": 1}, inputs, Context(tmp_path / "plain"))
