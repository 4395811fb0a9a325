"""Foreign data sets in the shape their authors publish (class s) end in a sensible study, or in one message.

The files are generated here; none is copied.
"""

from __future__ import annotations

import csv
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.data.fields import Fields, Rules
from noisy_student.data.parts import parts
from noisy_student.data.read import read_path
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.files import Request, resolve

Capture = pytest.CaptureFixture[str]
Story = tuple[str, str, int]
NAMES, THINGS = ("Ann", "Bo", "Cy", "Dee", "Eli", "Fay"), ("pens", "cups", "nuts", "maps", "toys", "hats")
PLACES = ("at the fair", "in the old house", "near the lake", "on the farm", "by the school")
GETS = ("buys", "finds", "gets", "wins")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _stories(count: int) -> Iterator[Story]:
    """Yield bodies, questions and answers of one step; no two share a run of 13 words."""
    chance = random.Random(5)
    for number in range(count):
        a, b, thing = chance.randint(2, 90), chance.randint(2, 90), chance.choice(THINGS)
        body = (
            f"{chance.choice(NAMES)} keeps {a} {thing} {chance.choice(PLACES)}."
            f" On day {number} {chance.choice(NAMES)} {chance.choice(GETS)} {b} more {chance.choice(PLACES)}."
        )
        yield body, f"How many {thing} are there after day {number}?", a + b


def _svamp(count: int) -> Path:
    rows = [
        {"ID": f"chal-{n}", "Body": body, "Question": ask, "Equation": "( 1 + 2 )", "Answer": float(value), "Type": "+"}
        for n, (body, ask, value) in enumerate(_stories(count), start=1)
    ]  # fmt: skip
    Path("SVAMP.json").write_text(json.dumps(rows, indent=4))
    return Path("SVAMP.json")


def _asdiv(count: int) -> Path:
    rows = [
        {"id": f"nluds-{n:04}", "body": body, "question": ask, "answer": f"{answer} ({ask.split()[2]})", "grade": 2}
        for n, (body, ask, answer) in enumerate(_stories(count), start=1)
    ]
    Path("asdiv.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Path("asdiv.jsonl")


def _math(count: int, *, answer_column: bool = False) -> Path:
    rows = []
    for n, (body, ask, answer) in enumerate(_stories(count)):
        value = f"{answer}" if n % 7 else rf"\frac{{{answer}\pi}}{{{answer + 1}}}"
        row = {"problem": f"{body} {ask}", "level": "Level 2", "type": "Algebra"}
        rows.append({**row, "solution": rf"We add them. The answer is $\boxed{{{value}}}$."})
        if answer_column:
            rows[-1]["answer"] = value
    Path("math.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Path("math.jsonl")


def _mgsm(count: int) -> Path:
    rows = [f"{body} {ask}\t{answer}\n" for body, ask, answer in _stories(count)]
    Path("mgsm_en.tsv").write_text("".join(rows))
    return Path("mgsm_en.tsv")


def _mmlu(count: int) -> Path:
    chance = random.Random(2)
    with Path("mmlu.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["question", "A", "B", "C", "D", "answer"])
        for body, ask, _ in _stories(count):
            options = [f"{name} and {chance.randint(2, 90)} others" for name in chance.sample(NAMES, 4)]
            table.writerow([f"{body} {ask}", *options, chance.choice("ABCD")])
    return Path("mmlu.csv")


def _aqua(count: int) -> Path:
    chance = random.Random(3)
    rows = []
    for body, ask, answer in _stories(count):
        values = chance.sample([answer, answer + 1, answer + 2, answer + 3, answer - 1], 5)
        options = [f"{letter}){value}" for letter, value in zip("ABCDE", values, strict=True)]
        right = "ABCDE"[values.index(answer)]
        rows.append({"question": f"{body} {ask}", "options": options, "rationale": f"Answer {right}", "correct": right})
    Path("aqua.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Path("aqua.jsonl")


MAKERS: dict[str, Callable[[int], Path]] = {
    **{"SVAMP": _svamp, "ASDiv": _asdiv, "MATH": _math, "MGSM": _mgsm, "MMLU": _mmlu, "AQuA": _aqua}
}


def _init(file: Path, *words: str) -> dict[str, Any]:
    assert main(["init", str(file), "--model", "lab-m", "--out", "study.toml", *words]) == 0
    settings = resolve(Request("./study.toml"))
    for seed in (1, 2, 3):
        made = parts(settings.data, run_seed=seed, paths=Inputs(settings).paths)
        assert len(made.unlabeled) == settings.data.unlabeled
    return tomllib.loads(Path("study.toml").read_text())


@pytest.mark.parametrize("name", MAKERS)
def test_init_writes_a_study_whose_sizes_fit_and_says_what_it_read(name: str, capfd: Capture) -> None:
    file = MAKERS[name](120)
    study = _init(file)
    said = capfd.readouterr().out
    body, ask, _ = next(_stories(1))
    assert f"{file}: 120 rows." in said
    assert f"  {body} {ask}" in said
    sizes = study["data"]
    assert (sizes["test"], sizes["labeled"] + sizes["unlabeled"] + sizes["test"]) == (30, 120)
    assert f"All questions are answered: {sizes['unlabeled']} of them are used as unlabeled" in said


@pytest.mark.parametrize("name", MAKERS)
def test_the_study_can_be_planned(name: str, capfd: Capture) -> None:
    _init(MAKERS[name](120))
    assert main(["plan", "./study.toml", "--scale", "laptop-smoke", "--model", "lab-m", "--limit", "60"]) == 0


def test_every_answer_is_the_published_one(capfd: Capture) -> None:
    answers = [str(answer) for _, _, answer in _stories(40)]
    for name in ("SVAMP", "ASDiv", "MGSM", "AQuA"):
        reading = read_path(MAKERS[name](40), Rules(Fields(), "required"))
        assert [item.answer for item in reading.items] == answers, name
    ids = [item.own_id for item in read_path(_svamp(3), Rules(Fields(), "required")).items]
    assert ids == ["chal-1", "chal-2", "chal-3"]


def test_choices_in_words_are_answered_by_number(capfd: Capture) -> None:
    _init(_mmlu(120))
    assert "the right option's number in 120 questions" in capfd.readouterr().out
    items = read_path(Path("mmlu.csv"), Rules(Fields(), "required")).items
    assert {item.answer for item in items} == {"1", "2", "3", "4"}
    assert all(item.question.text.endswith("Answer with the option's number.") for item in items)


@pytest.mark.parametrize("answer_column", [False, True])
def test_latex_golds_are_found_and_said(answer_column: bool, capfd: Capture) -> None:
    """S-01 and S-02: a seventh of the answers are no numbers; none of them becomes an unlabeled question."""
    study = _init(_math(120, answer_column=answer_column))
    said = capfd.readouterr()
    assert study["data"]["source"]["answers"] == "math"
    assert "18 are no plain numbers" in " ".join(said.err.split())
    assert "unlabeled" not in study["data"]["source"]
    assert main(["init", "math.jsonl", "--answers", "number", "--out", "number.toml"]) == 1
    error = capfd.readouterr().err
    assert printed_code(error) == "answers-unreadable"
    assert "--answers math" in error and 'answers = "math"' in error


def test_rows_at_fault_can_be_left_out_and_are_counted(capfd: Capture) -> None:
    study = _init(_math(120), "--answers", "number", "--faulty", "left-out")
    assert "18 × an answer that cannot be read" in capfd.readouterr().out
    assert study["data"]["source"]["faulty"] == "left-out"
    sizes = study["data"]
    assert sizes["labeled"] + sizes["unlabeled"] + sizes["test"] == 102


def test_a_solution_that_contradicts_its_answer_is_named(capfd: Capture) -> None:
    """S-06: 42 beside a box with 1."""
    rows = [json.loads(line) for line in _math(120, answer_column=True).read_text().splitlines()]
    rows[10]["solution"] = r"So it is \boxed{1}."
    Path("math.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["init", "math.jsonl", "--answers", "math"]) == 1
    error = capfd.readouterr().err
    assert printed_code(error) == "solution-contradicts-answer" and "math.jsonl:11" in error


def test_a_question_within_a_solution_keeps_its_answer() -> None:
    """S-07: a line of the solution begins like another question."""
    row = {"problem": "How many?", "solution": "Question 1: what do we know?\nSo it is $\\boxed{42}$."}
    Path("one.jsonl").write_text(json.dumps(row) + "\n")
    (item,) = read_path(Path("one.jsonl"), Rules(Fields(), "required")).items
    assert item.answer == "42"


def test_mgsm_rows_of_the_hub_are_read_by_their_number() -> None:
    """S-08: the answer is null beside its number, or ends in words."""
    rows = [
        {"question": "How many?", "answer": None, "answer_number": 18, "equation_solution": None},
        {"question": "Question: How much?", "answer": "Step-by-Step Answer: it is 4.", "answer_number": 4},
    ]
    Path("mgsm.json").write_text(json.dumps(rows))
    items = read_path(Path("mgsm.json"), Rules(Fields(), "required")).items
    assert [item.answer for item in items] == ["18", "4"]


def test_near_copies_are_counted_with_an_example(capfd: Capture) -> None:
    rows = json.loads(_svamp(120).read_text())
    # Two in three stories have a copy with one other word: these fall out where one of them is in the test.
    copies = [{**row, "ID": f"{row['ID']}-b", "Body": row["Body"].replace("keeps", "holds")} for row in rows[:80]]
    Path("SVAMP.json").write_text(json.dumps(rows + copies))
    _init(Path("SVAMP.json"))
    said = capfd.readouterr().out
    assert "× a repetition of a test question, such as SVAMP.json" in said
    assert "× a repetition of a dev question, such as SVAMP.json" in said


@pytest.mark.slow
def test_a_run_of_svamp_ends_with_own_ids(capfd: Capture) -> None:
    _init(_svamp(150))
    words = ["--scale", "laptop-smoke", "--model", "lab-m", "--limit", "90", "--set", "seeds=[1]"]
    small = ["--set", "labels.votes.K=2", "--set", "labels.single.K=2", "--set", "sampling.max_new_tokens=24"]
    small += ["--set", "evaluation.decoding.max_new_tokens=24", "--set", "sft.epochs=1.0"]
    capfd.readouterr()
    assert main(["run", "./study.toml", *words, *small]) == 1
    assert printed_code(capfd.readouterr().err) == "outlook-base-too-weak"
    assert main(["run", "./study.toml", *words, *small, "--anyway"]) == 0
    (folder,) = [path for path in Path("runs").iterdir() if path.is_dir()]
    results = json.loads((folder / "results.json").read_text())
    assert results["status"] == "done"
    for path in folder.glob("labels/*/labels.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        numbers = [int(row["id"].removeprefix("chal-")) for row in rows]
        assert numbers == sorted(numbers)
        assert all(len(row["question_id"]) == 16 for row in rows)
