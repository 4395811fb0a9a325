"""Sampling with a real model: questions beyond its context are skipped by name. Few-shot examples by the seed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from refusals import refused

from noisy_student.context import Context
from noisy_student.data.rows import write_questions
from noisy_student.data.source import question
from noisy_student.models import lab
from noisy_student.records import Label, Question
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import read_samples
from noisy_student.study.stages import sample
from noisy_student.study.stages.sample import draw_few_shot

SHOWN = {str(n): Question(str(n), f"What is {n}?") for n in range(8)}
GOLD = [Label(name, name, None if name == "0" else f"#### {name}", "gold") for name in SHOWN]


def _spec(model: Path, *, max_new_tokens: int) -> dict[str, Any]:
    return {
        "model": {"dtype": "float32", "attn": "sdpa", "pad": "apart"},
        "prompt": {"instruction": "End with ####."},
        "decoding": Decoding(max_new_tokens=max_new_tokens).model_dump(),
        "part": "test",
        "block": [0, 2],
        "shard": {"first": 0, "end": 2},
        "engine": {"name": "torch"},
        "chunk": 4,
        "width": 8,
        "threads": 1,
        "seed": 1,
        "paths": {"model": str(model)},
    }


def test_a_cap_as_large_as_the_context_is_refused(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    write_questions(tmp_path / "split" / "test.jsonl", [question("How many?")])
    (tmp_path / "work").mkdir()
    spec = _spec(lab.folder("lab-m"), max_new_tokens=512)
    with refused("context-too-short", "512"):
        sample.run(spec, {"split": [tmp_path / "split"]}, Context(tmp_path / "work"))


def test_a_question_longer_than_the_context_is_named_and_skipped(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(lab.folder("lab-m"), model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    short = question("Tom has 3 apples. Tom buys 4 more. How many now?")
    long = question("Tom has 3 apples. " + "Tom buys 4 more. " * 8 + "How many now?")
    (tmp_path / "split").mkdir()
    write_questions(tmp_path / "split" / "test.jsonl", [short, long])
    spec = _spec(model, max_new_tokens=16)
    (tmp_path / "work").mkdir()
    context = Context(tmp_path / "work")
    summary = sample.run(spec, {"split": [tmp_path / "split"]}, context)
    assert summary["too_long"] == [long.id]
    assert summary["samples"] == 4
    rows = {(row.question_id, row.k): row for row in read_samples(context.data / "samples.jsonl")}
    assert {rows[long.id, k].finish for k in (0, 1)} == {"failed"}
    assert all(rows[short.id, k].finish != "failed" and rows[short.id, k].token_ids for k in (0, 1))


def test_every_question_reads_the_same_but_never_itself() -> None:
    shots = draw_few_shot(SHOWN, GOLD, 3, run_seed=1)
    common = [shot.question.id for shot in shots(Question("x", "other"))]
    assert len(common) == 3 and "0" not in common
    for name, asked in SHOWN.items():
        own = [shot.question.id for shot in shots(asked)]
        assert len(own) == 3 and name not in own
        assert own == common or name in common
        assert all(shot.solution == f"#### {shot.question.id}" for shot in shots(asked))


def test_more_begin_with_the_fewer_and_another_seed_draws_others() -> None:
    asked = Question("x", "other")
    drawn = {(n, seed): draw_few_shot(SHOWN, GOLD, n, run_seed=seed)(asked) for n in (2, 5) for seed in (1, 2)}
    assert drawn[5, 1][:2] == drawn[2, 1]
    assert drawn[5, 1] != drawn[5, 2]
    assert draw_few_shot(SHOWN, reversed(GOLD), 5, run_seed=1)(asked) == drawn[5, 1]


def test_too_few_worked_solutions_are_an_error_that_names_the_most() -> None:
    with refused("too-few-shots", "7") as raised:
        draw_few_shot(SHOWN, GOLD, 7, run_seed=1)
    assert "to 6 or less" in raised.value.do


def test_chunks_that_another_device_cut_are_drawn_again(tmp_path: Path) -> None:
    asked = [question(f"Tom has {number} apples. Tom buys 4 more. How many now?") for number in range(3, 9)]
    (tmp_path / "split").mkdir()
    write_questions(tmp_path / "split" / "test.jsonl", asked)
    spec = {**_spec(lab.folder("lab-m"), max_new_tokens=8), "block": [0, 6]}
    found = []
    for before in (None, 2, 8):
        work = tmp_path / str(before)
        work.mkdir()
        if before is not None:
            # As if stopped after its first chunk, which held other questions.
            sample.run({**spec, "chunk": before}, {"split": [tmp_path / "split"]}, Context(work))
            shutil.rmtree(work / "data")
            for path in sorted(Context(work).scratch.glob("chunk-*.jsonl"))[1:]:
                path.unlink()
        context = Context(work)
        sample.run(spec, {"split": [tmp_path / "split"]}, context)
        found.append([(row.question_id, row.k) for row in read_samples(context.data / "samples.jsonl")])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 12
