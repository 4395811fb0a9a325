"""What a run hands over: students that plain transformers loads, labels as data sets."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from workplace import Workplace

from noisy_student.data.read import read_file
from noisy_student.data.rows import read_questions
from noisy_student.models.chat import Renderer
from noisy_student.models.spec import PromptSpec
from noisy_student.sampling.sample import read_samples
from noisy_student.study.settings.files import Request, resolve


def _run_folder(place: Workplace) -> Path:
    (folder,) = (place.folder / "runs").glob("tiny-*")
    return folder


def test_a_student_loads_with_plain_from_pretrained_and_answers_as_it_did(reference: Workplace) -> None:
    folder = _run_folder(reference) / "models" / "noisy-student-1"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    settings = resolve(Request(str(reference.study)))
    renderer = Renderer(tokenizer, PromptSpec.model_validate(settings.prompt.model_dump()))
    node = reference.node("grade noisy-student").inputs["samples"][0]
    store = reference.store / "stages"
    questions = {q.id: q for q in read_questions(store / node.inputs["split"][0].name / "data" / "test.jsonl")}
    samples = list(read_samples(store / node.name / "data" / "samples.jsonl"))
    assert len(samples) == 16
    for sample in samples:
        ids = torch.tensor([renderer.encode(questions[sample.question_id])])
        made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
        text = tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
        assert text.startswith(sample.text)
        assert text == sample.text or sample.finish == "answer"


def test_its_files_cannot_be_written_to(reference: Workplace) -> None:
    files = list((_run_folder(reference) / "models" / "noisy-student-1").iterdir())
    assert {path.name for path in files} >= {"config.json", "model.safetensors", "tokenizer.json", "README.md"}
    assert not any(path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for path in files)
    node = reference.node("train noisy-student")
    kept = reference.store / "stages" / node.name / "data" / "model" / "model.safetensors"
    handed = _run_folder(reference) / "models" / "noisy-student-1" / "model.safetensors"
    assert kept.samefile(handed) or kept.read_bytes() == handed.read_bytes()


def test_every_trained_condition_is_there_and_no_other(reference: Workplace) -> None:
    names = {path.name for path in (_run_folder(reference) / "models").iterdir()}
    assert names == {"baseline-1", "noisy-student-1", "oracle-1"}


def test_labels_come_out_as_jsonl_and_parquet_with_a_card(reference: Workplace) -> None:
    folder = _run_folder(reference) / "labels" / "votes-1"
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    (label,) = (row for row in reference.results()["labels"] if row["name"] == "votes")
    assert len(rows) == round(label["coverage"] * label["questions"])
    columns = {"id", "question_id", "question", "answer", "solution", "agreement", "confidence"}
    assert all(set(row) == columns for row in rows)
    items = read_file(folder / "labels.parquet", answers="required")
    assert [(item.question.text, item.answer) for item in items] == [(row["question"], row["answer"]) for row in rows]
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nconfigs:") and "Pseudo-labels" in card
    assert f"{label['precision']:.1%} of the labels are right" in card


def test_the_best_model_is_named_with_the_line_that_loads_it(reference: Workplace) -> None:
    said = (reference.folder / "out.txt").read_text()
    rows = {row["name"]: row["accuracy"] for row in reference.results()["conditions"]}
    best = max(("baseline", "noisy-student"), key=lambda name: rows[name])
    assert f"{rows[best]:.1%}".replace("%", " %") in said
    assert f'from_pretrained("runs/{_run_folder(reference).name}/models/' in said
    assert "oracle-1" not in said.split("Best")[1]


def test_what_was_lost_from_the_folder_comes_back(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path / "again")
    shutil.copytree(reference.folder / "runs", place.folder / "runs")
    models = _run_folder(place) / "models"
    before = {path.name: (path / "model.safetensors").read_bytes() for path in models.iterdir()}
    shutil.rmtree(models)
    place.complete()
    assert {path.name: (path / "model.safetensors").read_bytes() for path in models.iterdir()} == before
