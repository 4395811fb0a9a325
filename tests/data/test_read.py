"""Reading JSONL through ``fields``: what is understood, and what each fault says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.data.fields import Fields
from noisy_student.data.read import read_file
from noisy_student.errors import UserError

GSM = "Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.\nShe makes 9 * 2 = $<<9*2=18>>1,018.\n#### 1,018"


def written(folder: Path, *rows: Any) -> Path:
    path = folder / "q.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("name", ["question", "text", "problem"])
def test_usual_names_are_found(tmp_path: Path, name: str) -> None:
    (item,) = read_file(written(tmp_path, {name: " How many? ", "answer": "$1,200.50"}), answers="required")
    assert (item.question.text, item.answer, item.solution) == ("How many?", "1200.5", None)
    assert item.place == f"{tmp_path / 'q.jsonl'}:1"


def test_named_columns_win(tmp_path: Path) -> None:
    path = written(tmp_path, {"question": "no", "q": "yes", "a": "3", "work": "1 + 2 = 3\n#### 3", "nr": 7})
    fields = Fields(question="q", answer="a", solution="work", id="nr")
    (item,) = read_file(path, answers="required", fields=fields, label="mine")
    assert (item.question.text, item.question.source, item.answer) == ("yes", "mine", "3")
    assert item.solution == "1 + 2 = 3\n#### 3"


def test_a_worked_solution_in_the_answer_is_taken_apart_and_kept(tmp_path: Path) -> None:
    (item,) = read_file(written(tmp_path, {"question": "q", "answer": GSM}), answers="required")
    assert (item.answer, item.solution) == ("1018", GSM)


def test_a_solution_alone_gives_the_answer_it_marks(tmp_path: Path) -> None:
    path = written(tmp_path, {"problem": "a", "solution": "so $\\boxed{7}$."}, {"problem": "b", "solution": None})
    assert [item.answer for item in read_file(path, answers="optional")] == ["7", None]


def test_a_solution_without_a_marked_answer_is_no_unlabeled_question(tmp_path: Path) -> None:
    path = written(tmp_path, {"problem": "a", "solution": "so $\\boxed{7}$."}, {"problem": "b", "solution": "3 or 4"})
    with refused("answers-unreadable", ":2", "3 or 4", "3"):
        read_file(path, answers="optional")
    assert [item.answer for item in read_file(path, answers="any")] == ["7", None]


@pytest.mark.parametrize(
    ("value", "canonical"), [(18, "18"), (0.5, "0.5"), (1e-7, "0.0000001"), (-3, "-3"), ("1/3", "1/3"), (None, None)]
)
def test_numbers_and_null_are_answers(tmp_path: Path, value: Any, canonical: str | None) -> None:
    (item,) = read_file(written(tmp_path, {"question": "q", "answer": value}), answers="optional")
    assert item.answer == canonical


def test_empty_lines_and_a_byte_order_mark_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"question": "a"}\r\n\r\n{"question": "b"}')
    assert [item.place[-1] for item in read_file(path, answers="optional")] == ["1", "3"]


FINE = {"question": "fine", "answer": "1"}
FAULTS = [
    (['{"question": "a", "answer": 1'], r"q\.jsonl:2:30: malformed JSON"),
    (["[1]"], r"q\.jsonl:2 is a list, not an object"),
    (['{"answer": 1, "answer": 2, "question": "a"}'], r'q\.jsonl:2: the key "answer"'),
    ([{"questoin": "a", "answer": 1}], r'q\.jsonl:2 has no question: no column "question" or .*"questoin"|questoin'),
    ([{"question": " \n", "answer": 1}], r"q\.jsonl:2: the question is empty"),
    ([{"question": ["a", "b"], "answer": 1}], r"q\.jsonl:2: the question is a list of 2, not text"),
    ([{"question": "a", "answer": True}], r"q\.jsonl:2: the answer is true or false"),
    ([{"question": "a"}, {"question": "b", "answer": None}], r"2 questions have no answer: \S+:2, \S+:3\."),
    (
        [{"question": "a", "answer": "blue"}, {"question": "b", "answer": "?"}, {"question": "c", "answer": "3"}],
        r'2 answers cannot be read as a number: \S+:2 "blue", \S+:3 "\?"\.',
    ),
    ([{"question": "a", "answer": "work\n#### none"}], r'1 answers cannot .*:2 "work #### none"'),
    (['{"question": "a", "answer": 1e999}'], r":2: 1e999"),
    (
        ['{"question": "a\\ud800", "answer": 1}'],
        r'q\.jsonl:2: "question" holds half of a surrogate pair at character 2',
    ),
    (
        [{"question": "a", "answer": 1, "id": 4}, {"question": "b", "answer": 1, "id": "4"}],
        r':3: the id "4" is also at',
    ),
    ([{"question": "a", "answer": 1, "id": " "}], r":2: the id is empty"),
]


@pytest.mark.parametrize(("rows", "message"), FAULTS)
def test_a_fault_names_its_line(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_file(written(tmp_path, FINE, *rows), answers="required")


def test_many_faults_are_counted_and_the_first_listed(tmp_path: Path) -> None:
    path = written(tmp_path, *({"question": f"q{n}", "answer": "?"} for n in range(9)))
    with pytest.raises(UserError, match=r"9 answers cannot be read .*:5 \"\?\" and 4 more\."):
        read_file(path, answers="optional")


def test_a_named_column_that_is_missing_names_its_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, {"question": "a", "answer": "1", "solution": "x"})
    with pytest.raises(UserError, match=r'no column "soluton"\. .*Did you mean "solution"'):
        read_file(path, answers="required", fields=Fields(solution="soluton"))
    with pytest.raises(UserError, match=r'no column "questions".*Did you mean "question"'):
        read_file(path, answers="optional", fields=Fields(question="questions"))


def test_a_file_that_is_absent_empty_or_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.jsonl cannot be read: No such file"):
        read_file(tmp_path / "none.jsonl", answers="optional")
    with pytest.raises(UserError, match=r"q\.jsonl has no questions"):
        read_file(written(tmp_path, ""), answers="optional")
    (tmp_path / "q.jsonl").write_bytes(b'{"question": "a"}\n{"question": "\xff"}\n')
    with pytest.raises(UserError, match=r"q\.jsonl:2: not UTF-8 at byte 15 of the line"):
        read_file(tmp_path / "q.jsonl", answers="optional")
