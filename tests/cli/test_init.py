"""The study file that ``init`` writes: sizes that every seed can fill, names that run."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.data.generated.problems import gold_solution, problems
from noisy_student.data.parquet import write_parquet
from noisy_student.data.parts import parts
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.files import Request, resolve

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _rows(count: int, *, first: int = 0, answered: bool = True, bare: bool = False) -> list[dict[str, Any]]:
    chance = random.Random(1)
    made = itertools.islice(problems(9, steps=(2, 3), share="study"), first, first + count)
    return [
        {"question": problem.text}
        | ({} if not answered else {"answer": problem.answer if bare else gold_solution(problem, chance)})
        for problem in made
    ]


def _write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def _fits(study: str) -> dict[str, Any]:
    """The study file, once every seed of it has been split."""
    settings = resolve(Request(study))
    for seed in (1, 2, 3):
        made = parts(settings.data, run_seed=seed, paths=Inputs(settings).paths)
        assert len(made.unlabeled) == settings.data.unlabeled
    return tomllib.loads(Path(study).read_text())


def test_one_file_with_answered_and_unanswered_questions(capfd: Capture) -> None:
    _write("mine.jsonl", _rows(60) + _rows(50, first=60, answered=False))
    assert main(["init", "mine.jsonl", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    study = _fits("mine.toml")
    assert (said["test"], study["data"]["test"]) == (30, 30)
    assert 20 <= study["data"]["labeled"] <= 30
    assert 40 <= study["data"]["unlabeled"] <= 50
    assert "oracle" not in study["conditions"]


def test_a_file_of_answered_questions_gets_an_oracle(capfd: Capture) -> None:
    _write("all.jsonl", _rows(120))
    assert main(["init", "all.jsonl", "--model", "./m"]) == 0
    study = _fits("all.toml")
    assert study["conditions"]["oracle"] == {"train": ["gold", "revealed"]}
    assert study["primary"]["oracle-helps"] == {"a": "oracle", "b": "baseline"}
    assert study["model"] == {"id": "./m"}
    assert study["data"]["labeled"] + study["data"]["unlabeled"] + study["data"]["test"] <= 120


def test_bare_answers_make_an_oracle_of_own_samples(capfd: Capture) -> None:
    _write("bare.jsonl", _rows(100, bare=True))
    assert main(["init", "bare.jsonl"]) == 0
    assert _fits("bare.toml")["conditions"]["oracle"]["target"] == "own-sample"
    assert "no worked solution" in capfd.readouterr().out


def test_an_unlabeled_file_may_repeat_the_answered_questions(capfd: Capture) -> None:
    _write("some.jsonl", _rows(60))
    _write("every.jsonl", _rows(140, answered=False))
    assert main(["init", "some.jsonl", "--unlabeled", "every.jsonl"]) == 0
    study = _fits("some.toml")
    assert study["data"]["labeled"] >= 20
    assert 60 <= study["data"]["unlabeled"] <= 80


def test_a_test_file_is_not_cut_from_the_answered_ones(capfd: Capture) -> None:
    _write("learn.jsonl", _rows(40))
    _write("test.jsonl", _rows(50, first=40))
    _write("more.jsonl", _rows(60, first=90, answered=False))
    assert main(["init", "learn.jsonl", "--unlabeled", "more.jsonl", "--test", "test.jsonl"]) == 0
    study = _fits("learn.toml")
    assert study["data"]["test"] == 50
    assert study["data"]["labeled"] >= 30


def test_a_template_with_other_numbers_is_not_enough(capfd: Capture) -> None:
    text = "Ann has {} apples in her garden and picks two more of them on every single day of the long week. How many?"
    _write("same.jsonl", [{"question": text.format(n), "answer": n + 14} for n in range(200)])
    assert main(["init", "same.jsonl"]) == 1
    assert "repeat a test question" in capfd.readouterr().err
    assert not Path("same.toml").exists()


def test_names_that_run(capfd: Capture) -> None:
    _write("My Questions.jsonl", _rows(60))
    assert main(["init", "My Questions.jsonl"]) == 0
    assert "noisy-student run my-questions.toml" in capfd.readouterr().out
    _fits("my-questions.toml")
    assert main(["init", "My Questions.jsonl", "--out", "study"]) == 1
    assert printed_code(capfd.readouterr().err) == "not-a-toml-name"
    assert main(["init", "My Questions.jsonl", "--out", "nowhere/study.toml"]) == 1
    error = capfd.readouterr().err
    assert "no folder nowhere" in error and printed_code(error) == "folder-missing"


def test_two_places_for_what_is_to_be_labeled_are_one_too_many(capfd: Capture) -> None:
    _write("part.jsonl", _rows(30) + _rows(5, first=30, answered=False))
    _write("more.jsonl", _rows(20, first=40, answered=False))
    assert main(["init", "part.jsonl", "--unlabeled", "more.jsonl"]) == 1
    error = capfd.readouterr().err
    assert "5 questions" in error and printed_code(error) == "unlabeled-in-two-files"


def test_columns_by_name(capfd: Capture) -> None:
    _write("named.jsonl", [{"ask": row["question"], "right": row["answer"]} for row in _rows(60)])
    assert main(["init", "named.jsonl"]) == 1
    capfd.readouterr()
    assert main(["init", "named.jsonl", "--question", "ask", "--answer", "right"]) == 0
    assert _fits("named.toml")["data"]["source"]["fields"] == {"question": "ask", "answer": "right"}


def test_a_handful_of_answers_is_too_few(capfd: Capture) -> None:
    _write("few.jsonl", _rows(4) + _rows(50, first=4, answered=False))
    assert main(["init", "few.jsonl"]) == 1
    told = capfd.readouterr()
    assert printed_code(told.err) == "too-few-questions"
    assert "4 answered questions" in told.err and "at least 20" in " ".join(told.err.split())
    assert "few.jsonl: 54 rows." in told.out, "the reading is shown before the refusal"
    assert not Path("few.toml").exists()


@pytest.mark.parametrize(("answered", "fits"), [(42, True), (30, False)])
def test_the_smallest_set_of_answered_questions(answered: int, fits: bool, capfd: Capture) -> None:
    _write("small.jsonl", _rows(answered))
    assert main(["init", "small.jsonl"]) == (0 if fits else 1)
    assert Path("small.toml").exists() == fits


def test_the_file_explains_its_sizes_and_what_it_leaves_open(capfd: Capture) -> None:
    _write("all.jsonl", _rows(120))
    assert main(["init", "all.jsonl"]) == 0
    lines = Path("all.toml").read_text().splitlines()
    labeled = tomllib.loads("\n".join(lines))["data"]["labeled"]
    dev = (labeled + 3) // 5
    assert f"labeled = {labeled}  # {labeled - dev} to learn from + {dev} for dev" in lines
    assert any(line.startswith("# The model to start from: --model") for line in lines)
    assert any(line.startswith("# Size and machine: --scale") for line in lines)
    assert "noisy-student run all.toml --model MODEL" in capfd.readouterr().out


def test_the_first_rows_are_shown_as_they_were_read(capfd: Capture) -> None:
    rows = [{"id": f"S-{n}", "passage": f"Note {n}.", **row, "team": "x"} for n, row in enumerate(_rows(60, bare=True))]
    _write("rows.jsonl", [*rows, {"id": "S-60", "question": "And now?", "answer": ""}])
    assert main(["init", "rows.jsonl"]) == 1, "one question to label is too few"
    told = capfd.readouterr().out.splitlines()
    assert told[0] == (
        'rows.jsonl: 61 rows. Columns: question: "passage" + "question"; answer: "answer"; id: "id"; not read: "team".'
    )
    assert [line.rpartition(" \u2192 ")[2] for line in told[1:4]] == [row["answer"] for row in rows[:3]]
    assert told[1].startswith("  Note 0. ")


def test_other_columns_can_be_named(capfd: Capture) -> None:
    rows = [{"nr": n, "place": f"In room {n}.", **row} for n, row in enumerate(_rows(60))]
    _write("more.jsonl", rows)
    assert main(["init", "more.jsonl", "--context", "place", "--id", "nr", "--choices", "none"]) == 0
    fields = _fits("more.toml")["data"]["source"]["fields"]
    assert fields == {"id": "nr", "context": "place", "choices": "none"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--answers", "words"], "unknown-answers"),
        (["--faulty", "ignored"], "unknown-faulty-rule"),
        (["--question", "ask"], "column-missing"),
        (["--solution", "ask"], "column-missing"),
        (["--id", "ask"], "column-missing"),
    ],
)
def test_flags_that_cannot_be(words: list[str], code: str, capfd: Capture) -> None:
    _write("some.jsonl", _rows(60))
    assert main(["init", "some.jsonl", *words]) == 1
    error = capfd.readouterr().err
    assert printed_code(error) == code
    assert code != "column-missing" or f"{words[0]} COLUMN" in error


@pytest.mark.parametrize(
    ("file", "study"),
    [
        ("Fragen f\u00fcr M\u00e4rz.jsonl", "fragen-fur-marz.toml"),
        ("\u554f.jsonl", "mine.toml"),
        ("a.b.jsonl.gz", "a.b.toml"),
    ],
)
def test_names_keep_their_letters(file: str, study: str, capfd: Capture) -> None:
    _write(file, _rows(60))
    if file.endswith(".gz"):
        Path(file).write_bytes(gzip.compress(Path(file).read_bytes()))
    assert main(["init", file]) == 0
    _fits(study)


def test_conflicting_rows_are_refused_or_left_out_and_counted(capfd: Capture) -> None:
    rows = _rows(60, bare=True)
    _write("two.jsonl", [*rows, {"question": rows[3]["question"].upper(), "answer": "12345"}])
    assert main(["init", "two.jsonl"]) == 1
    error = capfd.readouterr().err
    assert printed_code(error) == "conflicting-answers"
    assert "two.jsonl:4" in error and "two.jsonl:61" in error
    assert main(["init", "two.jsonl", "--faulty", "left-out", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["left_out"]["a question with two answers"]["count"] == 2
    assert said["labeled"] + said["unlabeled"] + said["test"] == 59
    _fits("two.toml")


def test_copies_are_counted(capfd: Capture) -> None:
    rows = _rows(60)
    _write("copies.jsonl", rows + [{**row, "question": row["question"].upper()} for row in rows[:7]])
    assert main(["init", "copies.jsonl"]) == 0
    assert "Left out: 7 \u00d7 a copy of another row, such as copies.jsonl:" in capfd.readouterr().out


def test_a_study_names_its_files_from_its_own_folder(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "studies", "models", "elsewhere"):
        Path(name).mkdir()
    _write("data/all.jsonl", _rows(120))
    assert main(["init", "data/all.jsonl", "--out", "studies/own.toml", "--model", "models"]) == 0
    written = tomllib.loads(Path("studies/own.toml").read_text())
    assert written["data"]["source"]["labeled"] == "../data/all.jsonl"
    assert written["model"]["id"] == "../models"
    found = [Inputs(resolve(Request("studies/own.toml"))).data]
    for folder, study in (("studies", "own.toml"), ("elsewhere", "../studies/own.toml")):
        with monkeypatch.context() as there:
            there.chdir(folder)
            found.append(Inputs(resolve(Request(study))).data)
    assert found[1:] == found[:1] * 2
    absolute = str(Path("data/all.jsonl").absolute())
    assert main(["init", absolute, "--out", "studies/absolute.toml"]) == 0
    assert tomllib.loads(Path("studies/absolute.toml").read_text())["data"]["source"]["labeled"] == absolute
    capfd.readouterr()


@pytest.mark.parametrize("name", ["mine.csv", "mine.json", "mine.jsonl.gz", "mine.parquet"])
def test_a_file_in_another_format(name: str, capfd: Capture) -> None:
    rows = _rows(120)
    if name.endswith(".csv"):
        with Path(name).open("w", newline="") as file:
            table = csv.DictWriter(file, ["question", "answer"])
            table.writeheader()
            table.writerows(rows)
    elif name.endswith(".json"):
        Path(name).write_text(json.dumps(rows, indent=1))
    elif name.endswith(".gz"):
        Path(name).write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    else:
        write_parquet(Path(name), rows)
    assert main(["init", name, "--out", "mine.toml"]) == 0
    _write("plain.jsonl", rows)
    assert main(["init", "plain.jsonl"]) == 0
    sizes = [tomllib.loads(Path(study).read_text())["data"] for study in ("mine.toml", "plain.toml")]
    assert [sizes[0][part] == sizes[1][part] for part in ("labeled", "unlabeled", "test")] == [True] * 3
    _fits("mine.toml")
    capfd.readouterr()


def test_gold_longer_than_the_limit_of_training_is_named_where_a_model_is(capfd: Capture) -> None:
    rows = _rows(100)
    for row in rows[:60]:
        row["answer"] = "So we add and add. " * 400 + row["answer"]
    _write("mine.jsonl", rows)
    assert main(["init", "mine.jsonl", "--model", "lab-m"]) == 0
    said = capfd.readouterr().out
    assert "longer than sft.max_length" in said
    assert said.splitlines()[-1] == "Next: noisy-student run mine.toml"
    assert main(["init", "mine.jsonl", "--out", "other.toml"]) == 0
    assert "sft.max_length" not in capfd.readouterr().out


def test_a_model_that_is_not_here_is_named_after_the_file_is_written(capfd: Capture) -> None:
    _write("mine.jsonl", _rows(100))
    assert main(["init", "mine.jsonl", "--model", "./no-such.gguf"]) == 0
    assert "no-such.gguf" in capfd.readouterr().out and Path("mine.toml").is_file()
