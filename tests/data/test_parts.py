"""From files to parts: one file for answered and unanswered questions, and whether the truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.data.fields import Fields
from noisy_student.data.locate import locate
from noisy_student.data.parquet import read_parquet, write_parquet
from noisy_student.data.parts import parts, paths_of
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.data.splits import answer_key
from noisy_student.errors import UserError

NAMES = ("Ana", "Ben", "Eva", "Leo", "Mia", "Sam", "Tom", "Zoe")


def _write(path: Path, count: int, *, answered: int, first: int = 0) -> Path:
    rows = [
        {"question": f"{NAMES[n % 8]} has {n} red pens and {n * n % 97} blue ones. How many pens are that?"}
        | ({"answer": str(n + n * n % 97)} if n - first < answered else {})
        for n in range(first, first + count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_one_file_is_divided_by_what_has_an_answer(tmp_path: Path) -> None:
    path = str(_write(tmp_path / "mine.jsonl", 60, answered=25))
    source = SourceSpec(kind="jsonl", labeled=path, unlabeled=path)
    paths = paths_of(locate(source))
    made = parts(DataSpec(labeled=10, unlabeled=30, test=10, source=source), run_seed=1, paths=paths)
    assert all(item.answer is not None for item in (*made.labeled, *made.dev, *made.test))
    assert all(item.answer is None for item in made.unlabeled)
    assert set(answer_key(made)) == {item.question.id for item in (*made.dev, *made.test)}


def test_parquet_reads_as_jsonl_does_and_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(
        path, [{"ask": "How many?", "right": 7, "noise": [1]}, {"ask": "How few?", "right": None, "noise": []}]
    )
    items = read_parquet(path, answers="optional", fields=Fields(question="ask", answer="right"))
    assert [(item.question.text, item.answer) for item in items] == [("How many?", "7"), ("How few?", None)]
    with pytest.raises(UserError, match="none of the columns") as raised:
        read_parquet(path, answers="optional")
    assert "ask, right, noise" in raised.value.why
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UserError, match="cannot be read as parquet"):
        read_parquet(tmp_path / "b.parquet", answers="optional")
