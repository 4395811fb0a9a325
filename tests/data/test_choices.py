"""Multiple choice in the forms that data sets publish: options in the question, and a number as the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.data.fields import Fields, Rules
from noisy_student.data.read import read_path

WORDS = "Who?\n1) Ann\n2) Bo\n3) Cy\nAnswer with the option's number."
VALUES = "Who?\nOptions: 21; 22; 30 km"
FORMS: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("AQuA", {"options": ["A)21", "B)22", "C)30 km"], "correct": "C"}, VALUES, "30"),
    ("MathQA", {"options": "a ) 21 , b ) 22 , c ) 30 km", "correct": "b"}, VALUES, "22"),
    ("MathQA in Python", {"options": "['a ) 21', 'b ) 22', 'c ) 30 km']", "correct": "b"}, VALUES, "22"),
    ("numpy in CSV", {"choices": "['21' '22' '30 km']", "answer": "A"}, VALUES, "21"),
    ("ARC", {"choices": {"text": ["Ann", "Bo", "Cy"], "label": ["A", "B", "C"]}, "answerKey": "B"}, WORDS, "2"),
    ("ARC with digits", {"choices": {"text": ["Ann", "Bo", "Cy"], "label": ["1", "2", "3"]}, "answerKey": "2"},
     WORDS, "2"),
    ("CommonsenseQA", {"choices": [{"label": "A", "text": "Ann"}, {"label": "B", "text": "Bo"},
                                   {"label": "C", "text": "Cy"}], "answerKey": "C"}, WORDS, "3"),
    ("lettered columns", {"A": "Ann", "B": "Bo", "C": "Cy", "answer": "A"}, WORDS, "1"),
    ("option columns", {"option_a": "Ann", "option_b": "Bo", "option_c": "Cy", "answer": "(b)"}, WORDS, "2"),
    ("object", {"options": {"A": "Ann", "B": "Bo", "C": "Cy"}, "answer": "Option C"}, WORDS, "3"),
    ("text of the option", {"choices": ["Ann", "Bo", "Cy"], "answer": "bo"}, WORDS, "2"),
    ("letter and text", {"choices": ["Ann", "Bo", "Cy"], "answer": "B. Bo"}, WORDS, "2"),
    ("value of the option", {"choices": ["21", "22", "30 km"], "answer": 22}, VALUES, "22"),
    ("unanswered", {"choices": ["Ann", "Bo", "Cy"], "answer": None}, WORDS, None),
    ("lines", {"options": "A. Ann\nB. Bo\nC. Cy", "answer": "C"}, WORDS, "3"),
]  # fmt: skip


def _read(folder: Path, *rows: dict[str, Any], **columns: str) -> list[tuple[str, str | None]]:
    path = folder / "choices.jsonl"
    path.write_text("".join(json.dumps({"question": "Who?", **row}) + "\n" for row in rows))
    reading = read_path(path, Rules(Fields(**columns), "optional"))
    return [(item.question.text, item.answer) for item in reading.items]


@pytest.mark.parametrize(("row", "text", "answer"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_published_forms(row: dict[str, Any], text: str, answer: str | None, tmp_path: Path) -> None:
    assert _read(tmp_path, row) == [(text, answer)]


def test_indexes_begin_at_the_number_that_the_file_shows(tmp_path: Path) -> None:
    names = ["Ann", "Bo", "Cy"]
    zero = [{"choices": names, "answer": place} for place in (0, 2, 1)]
    assert [answer for _, answer in _read(tmp_path, *zero)] == ["1", "3", "2"]
    one = [{"choices": names, "answer": place} for place in (1, 3, 2)]
    assert [answer for _, answer in _read(tmp_path, *one)] == ["1", "3", "2"]


AMBIGUOUS = [
    ({"choices": ["Ann", "Bo", "Cy"], "answer": 1}, "1"),
    ({"choices": ["Ann", "Bo", "Cy"], "answer": "D"}, "D"),
    ({"choices": ["Ann", "Bo", "Cy"], "answer": "Ann or Bo"}, "Ann or Bo"),
    ({"choices": ["Ann", "Ann", "Cy"], "answer": "Ann"}, "Ann"),
    ({"choices": ["Ann", "Bo", "A"], "answer": "A"}, "A"),
]


@pytest.mark.parametrize(("row", "written"), AMBIGUOUS)
def test_an_answer_that_fits_no_option_or_several_is_refused(row: dict[str, Any], written: str, tmp_path: Path) -> None:
    with refused("answers-unreadable", "choices.jsonl:1", f'"{written}"', "letter"):
        _read(tmp_path, row)


@pytest.mark.parametrize("options", ["one text only", "", [], {}, None, "a ) alone"])
def test_what_holds_no_options_leaves_the_question_alone(options: Any, tmp_path: Path) -> None:
    assert _read(tmp_path, {"options": options, "answer": 7}) == [("Who?", "7")]


def test_choices_can_be_left_alone(tmp_path: Path) -> None:
    assert _read(tmp_path, {"options": ["a", "b"], "answer": 7}, choices="none") == [("Who?", "7")]
    assert _read(tmp_path, {"picks": ["Ann", "Bo"], "answer": "B"}, choices="picks")[0][1] == "2"


def test_an_option_that_holds_a_letter_of_another_stays_whole(tmp_path: Path) -> None:
    row = {"options": "a ) 3 : d . 4 , b ) plan b. 7 , c ) none of these", "correct": "c"}
    ((text, answer),) = _read(tmp_path, row)
    assert answer == "3" and "2) plan b. 7" in text


def test_answers_that_are_places_and_values_alike_are_refused(tmp_path: Path) -> None:
    rows = [{"choices": ["1", "2", "0", "3"], "answer": place} for place in (0, 1, 3)]
    with refused("choices-ambiguous", "choices.jsonl:1"):
        _read(tmp_path, *rows)
    values = [{"choices": ["10", "20", "30"], "answer": value} for value in (10, 30)]
    assert [answer for _, answer in _read(tmp_path, *values)] == ["10", "30"]
