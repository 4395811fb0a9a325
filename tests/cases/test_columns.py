"""Shapes of rows in public data sets (class r, R-16 to R-19), and their neighbours."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.data.fields import Fields
from noisy_student.data.parquet import write_parquet
from noisy_student.data.read import read_file

CASES = Path(__file__).parent / "r-data-files.jsonl"
ROWS = {row["case"]: row for row in map(json.loads, CASES.read_text(encoding="utf-8").splitlines())}


def _case(folder: Path, name: str) -> Path:
    row = ROWS[name]
    content = base64.b64decode(row["bytes_b64"])
    path = folder / row["name"]
    if path.suffix == ".parquet":
        # The case holds the row; parquet is written here.
        write_parquet(path, [json.loads(line) for line in content.splitlines()])
    else:
        path.write_bytes(content)
    return path


def _read(folder: Path, *rows: dict[str, Any], **columns: str) -> list[tuple[str, str | None]]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = read_file(path, answers="optional", fields=Fields(**columns))
    return [(item.question.text, item.answer) for item in items]


def test_r16_an_empty_answer_is_unknown(tmp_path: Path) -> None:
    items = read_file(_case(tmp_path, "R-16"), answers="optional")
    assert [item.answer for item in items] == ["7", None]
    with refused("answers-missing", "emptyanswer.jsonl:2"):
        read_file(_case(tmp_path, "R-16"), answers="required")


@pytest.mark.parametrize("columns", [{}, {"question": "prompt", "answer": "reward_model.ground_truth"}])
def test_r17_verl_rows_are_read_by_dotted_columns(tmp_path: Path, columns: dict[str, str]) -> None:
    (item,) = read_file(_case(tmp_path, "R-17"), answers="required", fields=Fields(**columns))
    assert (item.question.text, item.answer) == ("Q", "7")


@pytest.mark.parametrize("columns", [{}, {"question": "prompt"}])
def test_r18_the_users_turn_is_the_question(tmp_path: Path, columns: dict[str, str]) -> None:
    (item,) = read_file(_case(tmp_path, "R-18"), answers="required", fields=Fields(**columns))
    assert (item.question.text, item.answer) == ("Q", "7")


def test_r19_a_list_of_one_is_its_one(tmp_path: Path) -> None:
    (item,) = read_file(_case(tmp_path, "R-19"), answers="required")
    assert item.answer == "39"


USER = {"role": "user", "content": "How many?"}
SYSTEM = {"role": "system", "content": "Be brief."}
ASSISTANT = {"role": "assistant", "content": "3 + 4 = 7\n#### 7"}
SHAPES: list[tuple[str, dict[str, Any], tuple[str, str | None]]] = [
    ("blank", {"question": "How many?", "answer": "  "}, ("How many?", None)),
    ("text in a list", {"question": ["How many?"], "answer": ["7"]}, ("How many?", "7")),
    ("system turn", {"prompt": [SYSTEM, USER], "answer": 7}, ("How many?", "7")),
    ("messages", {"messages": [SYSTEM, USER, ASSISTANT]}, ("How many?", "7")),
    ("messages without an answer", {"messages": [USER]}, ("How many?", None)),
    ("chat completion", {"prompt": [USER], "completion": [ASSISTANT]}, ("How many?", "7")),
    ("text completion", {"prompt": "How many?", "completion": " 7"}, ("How many?", "7")),
    ("sharegpt", {"conversations": [{"from": "human", "value": "How many?"}, {"from": "gpt", "value": "#### 7"}]},
     ("How many?", "7")),
    ("parts", {"prompt": [{"role": "user", "content": [{"type": "text", "text": "How many?"}]}], "answer": 7},
     ("How many?", "7")),
    ("other case", {"Question": "How many?", "Final Answer": "7"}, ("How many?", "7")),
    ("separators", {"problem": "How many?", "ground-truth": "7"}, ("How many?", "7")),
    ("null beside a number", {"question": "How many?", "answer": None, "answer_number": 7}, ("How many?", "7")),
    ("words beside a number", {"question": "How many?", "answer": "So it is seven.", "answer_number": 7},
     ("How many?", "7")),
    ("instruction", {"instruction": "Add these.", "input": "3 and 4", "gold": 7}, ("Add these. 3 and 4", "7")),
    ("passage", {"passage": "Ann has 3", "question": "How many?", "answer": 3}, ("Ann has 3. How many?", "3")),
    ("a flag beside", {"question": "How many?", "correct": True}, ("How many?", None)),
    ("two columns that agree", {"question": "How many?", "answer": "#### 7", "gold": 7.0}, ("How many?", "7")),
    ("MAWPS", {"iIndex": 1, "sQuestion": "How many?", "lSolutions": [7.0]}, ("How many?", "7")),
    ("Alpaca", {"instruction": "How many?", "input": "", "output": "3 + 4\n#### 7"}, ("How many?", "7")),
    ("MetaMath", {"query": "How many?", "response": "3 + 4 = 7\nThe answer is: 7"}, ("How many?", "7")),
    ("a model's text", {"question": "How many?", "output": "#### 9", "response": "#### 9"}, ("How many?", None)),
    ("no answer in a list", {"question": "How many?", "answer": []}, ("How many?", None)),
    ("our own labels", {"question": "How many?", "answer": None, "label": "9", "agreement": 0.5}, ("How many?", None)),
]  # fmt: skip


@pytest.mark.parametrize(("row", "read"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES])
def test_usual_shapes(row: dict[str, Any], read: tuple[str, str | None], tmp_path: Path) -> None:
    assert _read(tmp_path, row) == [read]


def test_context_can_be_named_or_left_alone(tmp_path: Path) -> None:
    row = {"place": "At sea.", "body": "Ann has 3 pens.", "question": "How many?", "answer": 3}
    assert _read(tmp_path, row, context="none") == [("How many?", "3")]
    assert _read(tmp_path, row, context="place+body") == [("At sea. Ann has 3 pens. How many?", "3")]


@pytest.mark.parametrize(
    ("row", "columns", "code", "value"),
    [
        ({"prompt": [USER, ASSISTANT, USER], "answer": 7}, {}, "chat-not-one-turn", "2 turns of the user"),
        ({"question": "a", "answer": [1, 2]}, {}, "answers-unreadable", '"1, 2"'),
        ({"question": ["a", "b"], "answer": 1}, {}, "column-not-text", "a list of 2"),
        ({"question": "a", "answer": {"value": 3}}, {}, "column-not-text", "--answer COLUMN.value"),
        ({"ticket": "a", "gold": 3}, {}, "column-missing", "--question COLUMN"),
        ({"ticket": "a", "gold": 3}, {}, "column-missing", 'question = "COLUMN"'),
        ({"question": "a", "body": "b"}, {"context": "bdoy"}, "column-missing", "--context COLUMN"),
        ({"question": "a", "options": ["b", "c"]}, {"choices": "optoins"}, "column-missing", "options"),
        ({"question": "a", "final_answer": ["18", "19"]}, {}, "answers-unreadable", '"18, 19"'),
        ({"question": "a", "answer": 3, "gold": 4}, {}, "answer-column-ambiguous", "--answer answer"),
        ({"question": "a", "reward": {"truth": 3}}, {"question": "questoin"}, "column-missing", "question"),
    ],
)
def test_shapes_that_are_refused(
    row: dict[str, Any], columns: dict[str, str], code: str, value: str, tmp_path: Path
) -> None:
    with refused(code, "rows.jsonl:1", value):
        _read(tmp_path, row, **columns)


def test_a_named_answer_is_taken_beside_another(tmp_path: Path) -> None:
    assert _read(tmp_path, {"question": "a", "answer": 3, "gold": 4}, answer="gold") == [("a", "4")]


def test_a_chat_beside_a_solution_is_not_the_answer(tmp_path: Path) -> None:
    """NuminaMath holds both."""
    row = {"problem": "How many?", "solution": "so \\boxed{7}", "messages": [USER, ASSISTANT], "source": "x"}
    assert _read(tmp_path, row) == [("How many?", "7")]


def test_rows_with_another_column_of_answers_are_no_unlabeled_questions(tmp_path: Path) -> None:
    rows = [{"question": "a", "answer": 3}, {"question": "b", "gold": 4}, {"question": "c", "answer": None}]
    assert _read(tmp_path, *rows) == [("a", "3"), ("b", "4"), ("c", None)]
