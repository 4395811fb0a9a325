"""Golds of public data sets (classes m and n): read whole, or refused with their line and both readings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.data.gold import read_answer
from noisy_student.data.read import read_file

CASES = Path(__file__).parent


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _file(folder: Path, *answers: Any) -> Path:
    path = folder / "golds.jsonl"
    rows = [{"question": f"Question {number}?", "answer": answer} for number, answer in enumerate(answers)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


SOLUTIONS = _rows("m-gold-solutions")
READ = [row for row in SOLUTIONS if not row["right"].startswith("refused") and row["case"] != "M-18"]
REFUSED = [row for row in SOLUTIONS if row["right"].startswith("refused") or row["case"] == "M-18"]
"""M-18 (``1.234,56``) may be read or refused; its separators are of two conventions, so it is refused."""


@pytest.mark.parametrize("row", READ, ids=[row["case"] for row in READ])
def test_a_worked_solution_whose_number_is_read_whole(row: dict[str, Any], tmp_path: Path) -> None:
    (item,) = read_file(_file(tmp_path, row["answer"]), answers="required")
    assert (item.answer, item.solution) == (row["right"], row["answer"])


@pytest.mark.parametrize("row", READ, ids=[row["case"] for row in READ])
def test_the_same_number_without_a_solution(row: dict[str, Any], tmp_path: Path) -> None:
    (item,) = read_file(_file(tmp_path, row["answer"].rpartition("#### ")[2]), answers="required")
    assert (item.answer, item.solution) == (row["right"], None)


@pytest.mark.parametrize("row", REFUSED, ids=[row["case"] for row in REFUSED])
@pytest.mark.parametrize("answers", ["required", "optional"])
def test_two_numbers_are_refused_with_their_line_and_both_readings(
    row: dict[str, Any], answers: Any, tmp_path: Path
) -> None:
    written = row["answer"].rpartition("#### ")[2]
    path = _file(tmp_path, "7", row["answer"])
    with refused("answers-unreadable", "golds.jsonl:2", written, f"takes {row['got']}" if row["got"].isdigit() else ""):
        read_file(path, answers=answers)
    with refused("answers-unreadable", "golds.jsonl:2", written):
        read_file(_file(tmp_path, "7", written), answers=answers)


ONE_VALUE = {
    **{"9 (apples)": "9", "9 (more apples)": "9", "63 apples": "63", "90^\\circ": "90", "3/4 cup": "0.75"},
    **{"$5 million": "5000000", "12 500 dollars": "12500", "5,00,000 rupees": "500000", "2 1/2 hours": "2.5"},
    **{
        "20 - 8 = 12": "12",
        "x = 5": "5",
        "A: 18": "18",
        "The answer is 42.": "42",
        "\\frac34": "0.75",
        "-5 degrees": "-5",
    },
    **{"Work.\n#### Step 1: add\n#### 42": "42", "Work.\n#### 42\nDone.": "42", "so $\\boxed{90^\\circ}$": "90"},
    **{"\\boxed{5}, so 6 - 1 = \\boxed{5}": "5", "First \\boxed{5}.\nThen \\boxed{6}": "6"},
}
SEVERAL = (
    *("5 or 6", "5 to 7", "5-7", "between 5 and 7", "2 hours 30 minutes", "5 feet 3 inches", "12:30", "1 : 3", "10 am"),
    *("$12-$15", "3; 4", "7, 8", "3 (red), 4 (blue)", "5 apples and 3 pears", "12 dollars and 50 cents", "7 R 2"),
    *("at least 5", "less than 5", "5 or more", "5 (or 6)", "12 (hundred)", "12 and a half", "2024-01-02", "5\u00b11"),
    *("1,2", "1e3", "2^10", "3!", "room 12", "5th", "3.14...", "about five", "", "none"),
    *("#### 3\n#### 5 or 6", "\\boxed{5} or \\boxed{6}", "\\boxed{5 or 6}", "\\boxed{(1,2)}", "We get 7 and 8."),
)


@pytest.mark.parametrize(("written", "value"), ONE_VALUE.items())
def test_one_value_with_its_unit_or_name(written: str, value: str) -> None:
    assert read_answer(written, "number") == value


@pytest.mark.parametrize("written", SEVERAL)
def test_no_part_of_an_answer_becomes_the_truth(written: str) -> None:
    assert read_answer(written, "number") is None


FLOATS = _rows("n-float-golds")


@pytest.mark.parametrize("row", FLOATS, ids=[row["case"] for row in FLOATS])
def test_a_float_is_the_value_that_it_rounds(row: dict[str, Any], tmp_path: Path) -> None:
    (item,) = read_file(_file(tmp_path, row["answer"]), answers="required")
    assert item.answer == read_answer(row["model_says"], "number")


CONTRADICTING = [
    ("42", "so $\\boxed{1}$", True),
    ("42", "so\n#### 41", True),
    ("42", "so\n#### 42", False),
    ("42", "so 41", False),
    (0.6667, "so\n#### 2/3", False),
    ("0.67", "so\n#### 2/3", False),
    ("0.66", "so\n#### 2/3", True),
]


@pytest.mark.parametrize(("answer", "solution", "differs"), CONTRADICTING)
def test_a_solution_that_contradicts_its_answer_is_named(
    answer: Any, solution: str, differs: bool, tmp_path: Path
) -> None:
    path = tmp_path / "both.jsonl"
    rows = [{"question": "a", "answer": 1}, {"question": "b", "answer": answer, "solution": solution}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if differs:
        with refused("solution-contradicts-answer", "both.jsonl:2", f"{answer} beside"):
            read_file(path, answers="required")
    else:
        assert len(read_file(path, answers="required")) == 2
