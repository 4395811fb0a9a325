"""Rows of questions, labels and the key: what is written is what is read, and faults are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.data.key_file import read_key, write_key
from noisy_student.data.rows import question_of, read_labels, read_questions, write_labels, write_questions
from noisy_student.records import Label, Question

QUESTION = {"id": "a", "text": "How many?"}
LABEL = {"question_id": "a", "answer": "18", "solution": None, "origin": "vote", "agreement": 0.75, "confidence": None}


def test_questions_come_back(tmp_path: Path) -> None:
    questions = [Question("b", "Caf\u00e9 \u2028\nline?"), Question("a", "x", kind="math", source="foreign")]
    assert write_questions(tmp_path / "q.jsonl", questions) == 2
    assert read_questions(tmp_path / "q.jsonl") == questions
    rows = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().split("\n")[:-1]]
    assert [set(row) for row in rows] == [{"id", "text"}, {"id", "text", "kind", "source"}]


def test_labels_come_back(tmp_path: Path) -> None:
    labels = [Label("a", "18", None, "vote", agreement=0.75), Label("b", "1/3", "so\n#### 1/3", "gold", confidence=1.0)]
    assert write_labels(tmp_path / "l.jsonl", labels) == 2
    assert read_labels(tmp_path / "l.jsonl") == labels
    assert json.loads((tmp_path / "l.jsonl").read_text().splitlines()[0]) == LABEL


def test_the_key_comes_back_and_is_sorted(tmp_path: Path) -> None:
    entries = {"b": KeyEntry("b", "2"), "a": KeyEntry("a", "1", "one")}
    assert write_key(tmp_path / "key.jsonl", AnswerKey(entries)) == 2
    assert dict(read_key(tmp_path / "key.jsonl")) == entries
    first = (tmp_path / "key.jsonl").read_text().splitlines()[0]
    assert json.loads(first) == {"question_id": "a", "answer": "1", "solution": "one"}


def test_a_question_leaves_other_columns_aside() -> None:
    assert question_of({**QUESTION, "level": 3}, "-") == Question("a", "How many?")


@pytest.mark.parametrize(
    ("change", "code", "value"),
    [
        ({"text": "  "}, "question-empty", ".jsonl:1"),
        ({"text": None}, "value-missing", '.jsonl:1: "text"'),
        ({"id": ""}, "value-missing", '.jsonl:1: "id"'),
        ({"id": 4}, "column-not-text", '.jsonl:1: "id" is 4'),
        ({"text": "a\ud800"}, "text-not-utf8", "character 2"),
    ],
)
def test_a_faulty_question_is_named(tmp_path: Path, change: dict[str, object], code: str, value: str) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps(QUESTION | change))
    with refused(code, value):
        read_questions(tmp_path / "q.jsonl")


@pytest.mark.parametrize(
    ("change", "code", "value"),
    [
        ({"origin": "guess"}, "value-unknown", '"guess"'),
        ({"agreement": 1.5}, "value-out-of-range", '"agreement" is 1.5'),
        ({"confidence": True}, "column-not-a-number", '"confidence" is True'),
        ({"answer": None}, "value-missing", '"answer"'),
    ],
)
def test_a_faulty_label_is_named(tmp_path: Path, change: dict[str, object], code: str, value: str) -> None:
    (tmp_path / "l.jsonl").write_text(json.dumps(LABEL | change))
    with refused(code, value):
        read_labels(tmp_path / "l.jsonl")


def test_an_id_that_stands_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps(QUESTION) + "\n" + json.dumps(QUESTION))
    with refused("id-repeated", 'q.jsonl: the id "a"'):
        read_questions(tmp_path / "q.jsonl")
    row = json.dumps({"question_id": "k", "answer": "1"})
    (tmp_path / "key.jsonl").write_text(row + "\n" + row)
    with refused("id-repeated", 'key.jsonl: the id "k"'):
        read_key(tmp_path / "key.jsonl")
