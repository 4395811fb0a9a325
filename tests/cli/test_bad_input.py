"""Files and settings that cannot be used: exit 1, what is wrong, why it matters, what to do; and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    """The lines of the one message, of a command that must be refused before anything is written."""
    assert main(list(words)) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert not Path("runs").exists()
    assert not list(Path().glob(".noisy-student/stages/*"))
    return said.err.splitlines()


@pytest.mark.parametrize(
    ("words", "what", "do"),
    [
        (["run", "combind"], 'There is no study "combind".', 'Did you mean "combined"?'),
        (["run", "studdy.toml"], 'There is no study "studdy.toml".', "Known: combined"),
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
    ("name", "value", "shown"),
    [
        ("labels.votes.K", "0", "is 0"),
        ("labels.votes.K", "2.5", "is 2.5"),
        ("conditions.filtered.select.min_agreement", "0", "is 0"),
        ("conditions.filtered.select.min_agreement", "1.01", "is 1.01"),
        ("conditions.filtered.select.count", "0", "is 0"),
        ("data.unlabeled", "0", "= 0"),
        ("data.labeled", "1", "= 1"),
        ("data.limit", "3", "of 3 questions"),
        ("sft.epochs", "0", "is 0"),
        ("seeds", "[]", "[]"),
        ("data.source.steps", "[0, 2]", "[0, 2]"),
    ],
)
def test_a_value_out_of_range_is_shown_with_what_to_do(
    name: str, value: str, shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = refused(capfd, "run", "--set", f"{name}={value}")
    assert shown in lines[0]
    assert lines[-1].split()[0] in {"Set", "Give", "Use", "Write"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"question": "b", "answer": ', "bad.jsonl:3:29: malformed JSON"),
        ("[1]", "bad.jsonl:3 holds list"),
        ('{"question": "b", "answer": "many"}', 'bad.jsonl:3 "many"'),
        ('{"question": "b"}', "bad.jsonl:3"),
        ('{"qestion": "b", "answer": 1}', "bad.jsonl:3 has no question"),
        ('{"question": "b", "answer": NaN}', "bad.jsonl:3"),
        (ROWS[0].replace('"answer": 0', '"answer": 7'), "has the answer 0 at bad.jsonl:1 and 7 at bad.jsonl:3"),
    ],
)
def test_a_faulty_line_is_named_by_file_and_line(line: str, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("bad.jsonl").write_text("\n".join([*ROWS[:2], line, *ROWS[2:]]))
    lines = refused(capfd, "run", "--data", "bad.jsonl", "--limit", "20")
    assert what in lines[0]
    assert len(lines) == 3, "what, why, do"


def test_a_file_that_is_absent_or_empty(capfd: pytest.CaptureFixture[str]) -> None:
    Path("empty.jsonl").touch()
    assert refused(capfd, "run", "--data", "empty.jsonl")[0].startswith("empty.jsonl holds no questions")
    assert refused(capfd, "run", "--data", "none.jsonl")[0] == "There is no file none.jsonl."
    Path("folder").mkdir()
    assert refused(capfd, "run", "--data", "folder")[0] == 'There is no parquet or JSONL file in folder for "train".'


@pytest.mark.parametrize("part", ["labeled", "unlabeled", "test"])
def test_a_split_larger_than_the_data_says_how_many_there_are(part: str, capfd: pytest.CaptureFixture[str]) -> None:
    sizes = {"labeled": 5, "unlabeled": 5, "test": 5, part: 31}
    sets = [word for name, size in sizes.items() for word in ("--set", f"data.{name}={size}")]
    lines = refused(capfd, "run", "--data", "fine.jsonl", *sets)
    there = 30 if part == "test" else 25 if part == "labeled" else 20
    assert f"data.{part} = 31, but only {there} questions are there for it" in lines[0]
    assert lines[-1].startswith(f"Lower data.{part} to {there}")
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("question = ", "study.toml is not TOML"),
        (STUDY + "oracle = { train = ['golden'] }", '"golden"'),
        (STUDY + "x = { train = ['gold', 'labels.votes'] }", 'conditions.x.train names "votes"'),
        (STUDY + "x = { method = 'ppo', train = ['gold'] }", 'There is no method "ppo"'),
        (STUDY.replace('question = "?"', ""), 'The field "question" is missing'),
        (STUDY + "[primary]\nx = { a = 'baseline', b = 'base' }", 'primary.x names "base"'),
        (STUDY + "'../x' = { train = ['gold'] }", "../x"),
        ('question = "?"', 'The field "conditions" is missing'),
        ('question = "?"\n[conditions]\n', "This study has no conditions."),
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
    assert refused(capfd, "run", "./study.toml")[0] == "The teachers form a circle: baseline → baseline."


def test_a_model_that_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    Path("model").mkdir()
    lines = refused(capfd, "run", *FINE, "--model", "./model")
    assert "model" in lines[0]
    assert len(lines) >= 2
