"""A study in which every kind of row comes from the toy package: run by the command line to its table."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from workplace import PROGRAM, Workplace, ended

from noisy_student.files import read_jsonl
from noisy_student.identity import ROOT

HERE = Path(__file__).parent
STUDY = (HERE / "toy.toml").read_text(encoding="utf-8")
ENV = {"PYTHONPATH": os.pathsep.join([str(HERE / "toy_package"), str(ROOT.parent)]), "PYTHONDONTWRITEBYTECODE": "1"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("toys"), STUDY)
    (made.folder / "stdout").write_text(made.complete(env=ENV).stdout)
    return made


def found(place: Workplace, stage: str) -> list[tuple[dict[str, Any], Path]]:
    """Manifest and data of every result of a stage."""
    folders = sorted(place.store.glob(f"stages/{stage}-{'[0-9a-f]' * 16}"))
    return [(json.loads((folder / "MANIFEST.json").read_text()), folder / "data") for folder in folders]


def rows(place: Workplace) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in place.results()["conditions"]}


def test_the_engine_wrote_every_sample(place: Workplace) -> None:
    samples = [row for _, data in found(place, "sample") for row in read_jsonl(data / "samples.jsonl")]
    assert len(samples) == 16 * 4 + 8 * 3  # 16 questions of 4 samples, and a test of 8 for each of 3 conditions
    ((_, split),) = found(place, "split")
    asked = {row["id"]: row["text"] for part in ("unlabeled", "test") for row in read_jsonl(split / f"{part}.jsonl")}
    for row in samples:
        before, _, number = row["text"].partition("#### ")
        assert before == "I read it.\n" and number in asked[row["question_id"]]
        assert row["token_ids"] == list(row["text"].encode()) and row["logprob"] == -0.5 * len(row["text"])
    assert {manifest["node"]["spec"]["engine"]["name"] for manifest, _ in found(place, "sample")} == {"echo"}


def test_the_selection_kept_the_half_with_the_most_votes(place: Workplace) -> None:
    ((_, cast),) = found(place, "vote")
    decided = [vote for vote in read_jsonl(cast / "votes.jsonl") if vote["winner"] is not None]
    assert len({vote["votes"] for vote in decided}) > 1
    ranked = sorted(decided, key=lambda vote: (-vote["votes"], vote["question_id"]))
    labels = {
        next(iter(manifest["node"]["spec"]["select"])): [
            row["question_id"] for row in read_jsonl(data / "labels.jsonl")
        ]
        for manifest, data in found(place, "label")
    }
    assert labels["top-half"] == sorted(vote["question_id"] for vote in ranked[: (len(ranked) + 1) // 2])
    assert len(labels["all"]) == len(decided)


def test_the_method_trained_a_student_on_the_shortest_texts_and_it_was_graded(place: Workplace) -> None:
    ((manifest, data),) = found(place, "train-shortest")
    summary, row = manifest["summary"], rows(place)["short-texts"]
    assert (data / "model" / "model.safetensors").is_file()
    assert summary["examples"] == summary["given"] // 2 == row["trained_on"] and row["steps"] == 1
    assert (row["method"], row["status"], row["n"]) == ("shortest", "done", 8)
    assert row["trained_tokens"] == summary["trained_tokens"] > 0
    costs = {row["stage"]: row for row in place.results()["costs"]["stages"]}
    assert costs["train-shortest"]["trained_tokens"] == summary["read_tokens"] and costs["train-shortest"]["flops"] > 0


def test_the_reward_paid_half_of_each_group(place: Workplace) -> None:
    ((manifest, data),) = found(place, "train-grpo")
    groups = list(read_jsonl(data / "groups.jsonl"))
    assert Counter((group["answers"], group["right"]) for group in groups) == {(4, 2): 4}
    assert manifest["node"]["spec"]["reward"]["module"] == "toy_plugin.reward"
    assert rows(place)["short-answers"]["groups"] == {"all-right": 0, "all-wrong": 0, "mixed": 4}


def test_the_stage_measured_each_condition(place: Workplace) -> None:
    assert [row["measures"] for row in rows(place).values()] == [{"word-count": {"samples": 8, "words": 40}}] * 3


def test_the_section_is_on_page_and_terminal(place: Workplace) -> None:
    (page,) = (place.folder / "runs").glob("*/report.html")
    stdout = (place.folder / "stdout").read_text()
    terminal = stdout[stdout.index("\nWords\n") :].strip().split("\n\n")[0]
    assert [line.split() for line in terminal.splitlines()[-4:-1]] == [
        [name, "8", "5.00"] for name in ("base", "short-texts", "short-answers")
    ]
    html = page.read_text(encoding="utf-8")
    assert html.index("Conditions</h") < html.index("Words are what spaces separate.") < html.index("Labels</h")
    assert html.count("5.00") >= 3


def test_plan_and_forecast_know_the_stages_from_outside(place: Workplace) -> None:
    words = ["plan", "./tiny.toml", "--store", "store", "--json"]
    planned = ended(place.python([sys.executable, *PROGRAM, *words], env=ENV))
    assert planned.returncode == 0, planned.stderr
    nodes = json.loads(planned.stdout)["nodes"]
    assert {"train-shortest", "word-count"} <= {node["stage"] for node in nodes}
    assert len(nodes) == len(list(place.store.glob("stages/*")))
