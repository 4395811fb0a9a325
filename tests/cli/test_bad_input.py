"""Unusable files and settings: exit code 1, a message of what, why, what to do and a code, and nothing is written.

Some wordings are asserted here on purpose, as examples of the style; other tests assert codes and values.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli.main import main

ROWS = [json.dumps({"question": f"Tom has {n} apples and buys {n * n}. How many now?", "answer": n}) for n in range(30)]
STUDY = 'question = "?"\n[conditions]\nbaseline = { train = ["gold"] }\n'
FINE = ["--data", "fine.jsonl", "--limit", "20"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fine.jsonl").write_text("\n".join(ROWS))
    Path("study.toml").write_text(STUDY)


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The message of a command that must be refused before anything is written: a line each, without its code."""
    assert main(list(words)) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert not Path("runs").exists()
    assert not list(Path().glob(".noisy-student/stages/*"))
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", printed_code(said.err))
    return said.err.splitlines()[:-1]


@pytest.mark.parametrize(
    ("words", "what", "do"),
    [
        (["run", "combind"], 'There is no study "combind".', 'Did you mean "combined"?'),
        (["run", "studdy.toml"], 'There is no file "studdy.toml" here.', "Did you mean study.toml?"),
        (["run", "--scale", "labb"], 'There is no scale "labb".', 'Did you mean "lab"?'),
        (["run", "--set", "sft.epoch=2"], 'There is no field "sft.epoch".', 'Did you mean "epochs"?'),
        (["run", "--set", "labels.vote.K=4"], '"labels.vote.K" names "vote"', 'Did you mean "votes"?'),
        (["run", "--set", "conditions.baseline.trian=[]"], '"conditions.baseline.trian"', 'Did you mean "train"?'),
        (["run", "--set", "labels.votes.teacher=basline"], '"basline"', 'Did you mean "baseline"?'),
        (["run", "--set", "conditions.filtered.select.min_agrement=1"], '"min_agrement"', '"min_agreement"?'),
    ],
)
def test_an_unknown_name_gets_its_nearest(
    words: list[str], what: str, do: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = refused(capfd, *words)
    assert what in lines[0]
    assert do in lines[-1]
    assert 2 <= len(lines) <= 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels.votes.K", "0"),
        ("labels.votes.K", "2.5"),
        ("conditions.filtered.select.min_agreement", "0"),
        ("conditions.filtered.select.min_agreement", "1.01"),
        ("conditions.filtered.select.count", "0"),
        ("data.unlabeled", "0"),
        ("data.labeled", "1"),
        ("data.limit", "3"),
        ("sft.epochs", "0"),
        ("seeds", "[]"),
        ("data.source.steps", "[0, 2]"),
    ],
)
def test_a_value_out_of_range_is_shown_with_what_to_do(
    name: str, value: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = refused(capfd, "run", "--set", f"{name}={value}")
    assert name.rpartition(".")[2] in lines[0]
    assert re.search(rf"(?<![\w.]){re.escape(value)}(?![\w.]*\w)", lines[0])
    assert lines[-1].split()[0] in {"Set", "Give", "Use", "Write", "Raise", "Lower", "Choose", "Add"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"question": "b", "answer": ', "bad.jsonl:3:29: malformed JSON"),
        ("[1]", "bad.jsonl:3"),
        ('{"question": "b", "answer": "many"}', 'bad.jsonl:3 "many"'),
        ('{"question": "b"}', "bad.jsonl:3"),
        ('{"qestion": "b", "answer": 1}', "bad.jsonl:3"),
        ('{"question": "b", "answer": NaN}', "bad.jsonl:3"),
        (ROWS[0].replace('"answer": 0', '"answer": 7'), "0 at bad.jsonl:1 and 7 at bad.jsonl:3"),
    ],
)
def test_a_faulty_line_is_named_by_file_and_line(line: str, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("bad.jsonl").write_text("\n".join([*ROWS[:2], line, *ROWS[2:]]))
    lines = refused(capfd, "run", "--data", "bad.jsonl", "--limit", "20")
    assert what in lines[0]
    assert len(lines) == 3, "what, why, do"


def test_a_file_that_is_absent_or_empty(capfd: pytest.CaptureFixture[str]) -> None:
    Path("empty.jsonl").touch()
    assert refused(capfd, "run", "--data", "empty.jsonl")[0].startswith("empty.jsonl")
    assert "none.jsonl" in refused(capfd, "run", "--data", "none.jsonl")[0]
    Path("folder").mkdir()
    assert "folder" in refused(capfd, "run", "--data", "folder")[0]


@pytest.mark.parametrize("part", ["labeled", "unlabeled", "test"])
def test_a_split_larger_than_the_data_says_how_many_there_are(part: str, capfd: pytest.CaptureFixture[str]) -> None:
    sizes = {"labeled": 5, "unlabeled": 5, "test": 5, part: 31}
    sets = [word for name, size in sizes.items() for word in ("--set", f"data.{name}={size}")]
    lines = refused(capfd, "run", "--data", "fine.jsonl", *sets)
    there = 30 if part == "test" else 25 if part == "labeled" else 20
    assert re.search(rf"data\.{part}\b.* 31\b.*\b{there}\b", lines[0])
    assert len(lines) == 3
    # The advice is true: with it the same command is refused no more.
    advised = re.search(rf"--set (data\.{part}=\d+)", lines[-1])
    assert advised
    assert main(["plan", "--data", "fine.jsonl", *sets, "--set", advised[1], "--model", "lab-m"]) == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("question = ", "study.toml"),
        (STUDY + "oracle = { train = ['golden'] }", '"golden"'),
        (STUDY + "x = { train = ['gold', 'labels.votes'] }", '"votes"'),
        (STUDY + "x = { method = 'ppo', train = ['gold'] }", "ppo"),
        (STUDY.replace('question = "?"', ""), '"question"'),
        (STUDY + "[primary]\nx = { a = 'baseline', b = 'base' }", '"base"'),
        (STUDY + "'../x' = { train = ['gold'] }", "../x"),
        ('question = "?"', '"conditions"'),
        ('question = "?"\n[conditions]\n', "conditions"),
    ],
)
def test_a_study_file_with_a_fault_is_refused(text: str, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(text)
    lines = refused(capfd, "run", "./study.toml")
    assert what in lines[0]
    assert 2 <= len(lines) <= 3


def test_teachers_in_a_circle_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    labels = '[labels]\nvotes = { teacher = "baseline" }\n'
    Path("study.toml").write_text(STUDY.replace('["gold"]', '["gold", "labels.votes"]') + labels)
    assert "baseline → baseline" in refused(capfd, "run", "./study.toml")[0]


def test_a_folder_without_a_model(capfd: pytest.CaptureFixture[str]) -> None:
    Path("model").mkdir()
    lines = refused(capfd, "run", *FINE, "--model", "./model")
    assert "model" in lines[0]
    assert len(lines) >= 2
