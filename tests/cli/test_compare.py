"""Counts, grades files and tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from noisy_student import files
from noisy_student.cli.main import main
from noisy_student.records import Grade


def _grades(path: Path, rights: list[int]) -> str:
    rows = [Grade(f"q{place}", 0, bool(right), bool(right), "1", "eos") for place, right in enumerate(rights)]
    files.write_jsonl(path, map(asdict, rows))
    return str(path)


def test_counts(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "163/500", "153/500", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["paired"], found["n"], found["n_needed"], found["verdict"]) == (False, 500, 8482, "undecided")
    assert found["p_value"] == pytest.approx(0.4964, abs=1e-4)
    assert main(["compare", "163/500", "153/500"]) == 0
    assert capfd.readouterr().out.startswith("A - B: +2.0 points, 95 % [-3.8, +7.7], undecided")


def test_grades_are_joined_on_the_question(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a = _grades(tmp_path / "a.jsonl", [1] * 9 + [0])
    b = _grades(tmp_path / "b.jsonl", [0] * 9)
    assert main(["compare", a, b]) == 1
    assert "--inner" in capfd.readouterr().err
    assert main(["compare", a, b, "--inner", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["paired"], found["n"], found["difference"], found["verdict"]) == (True, 9, 1.0, "helps")
    assert found["p_exact"] == pytest.approx(2 / 2**9)


@pytest.mark.parametrize("name", ["numbers.csv", "numbers.jsonl"])
def test_a_table_gives_all_pairs(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [("base", 100, 500), ("sft", 150, 500), ("grpo", 163, 500)]
    text = "".join(f'{{"name": "{row}", "correct": {correct}, "n": {n}}}\n' for row, correct, n in rows)
    if name.endswith(".csv"):
        text = "name, correct, n\n" + "".join(f"{row},{correct},{n}\n" for row, correct, n in rows)
    (tmp_path / name).write_text(text)
    assert main(["compare", str(tmp_path / name), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["comparisons"]
    assert [(row["a"], row["b"]) for row in found] == [("base", "sft"), ("base", "grpo"), ("sft", "grpo")]
    assert found[0]["difference"] == pytest.approx(-0.1)
    assert all(row["p_adjusted"] >= row["p_value"] for row in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,correct,n\na,1,2\n", "1 rows"),
        ("name,right,n\na,1,2\nb,1,2\n", "row 1 has no correct"),
        ("name,correct,n\na,1,2\nb,50%,2\n", "row 2, correct is '50%'"),
        ("name,correct,n\na,3,2\nb,1,2\n", "3/2"),
    ],
)
def test_a_bad_table_is_named_by_its_row(
    text: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert main(["compare", str(tmp_path / "t.csv")]) == 1
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["163/500", "x.jsonl"], "a count and a file"),
        (["501/500", "1/2"], "501/500"),
        (["nowhere.csv"], "cannot be read"),
        (["1/2", "1/2", "--margin", "2"], "--margin is 2"),
    ],
)
def test_bad_words(words: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *words]) == 1
    assert message in capfd.readouterr().err


def test_a_file_without_grades_is_no_grades_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": 1}\n')
    assert main(["compare", str(tmp_path / "x.jsonl"), str(tmp_path / "x.jsonl")]) == 1
    assert "holds no grades" in capfd.readouterr().err
