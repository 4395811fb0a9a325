"""Rows of JSON, JSONL, CSV and TSV files: each format as people publish it, and what its faults say."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.data import formats
from noisy_student.data.formats import source_rows

TWO = [{"question": "a, b?", "answer": "7"}, {"question": "c", "answer": None}]


def rows(folder: Path, name: str, content: str | bytes) -> list[dict[str, Any]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [dict(row.values) for row in source_rows(path)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(json.dumps(row) + "\n" for row in TWO)),
        ("a.json", json.dumps(TWO)),
        ("a.json", json.dumps(TWO, indent=2)),
        ("a.jsonl", json.dumps(TWO, indent=2)),
        ("a.txt", "\n\n" + json.dumps(TWO)),
        ("a.json", json.dumps({"version": 1, "data": TWO, "authors": ["x"]})),
        ("a.json", json.dumps({"name": "x", "examples": TWO, "keywords": ["a", "b"]}, indent=1)),
        ("a.json", json.dumps({"gsm_test": TWO}, indent=1)),
        ("a.csv", 'question,answer\n"a, b?",7\nc,\n'),
        ("a.csv", 'question, answer\n"a, b?", 7\n\nc, \n'),
        ("a.csv", "question;answer\r\na, b?;7\r\nc;\r\n"),
        ("a.csv", 'question,answer\r"a, b?",7\rc,\r'),
        ("a.csv", "question\tanswer\na, b?\t7\nc\t\n".encode("utf-16")),
        ("A.TSV", "question\tanswer\na, b?\t7\nc\t\n"),
        ("a.txt", "question\tanswer\na, b?\t7\nc\t\n"),
        ("a", '"question","answer"\n"a, b?","7"\n"c",""\n'),
    ],
)
def test_two_questions(name: str, content: str | bytes, tmp_path: Path) -> None:
    assert rows(tmp_path, name, content) == TWO


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Q", "choices": [{"label": "A"}, {"label": "B"}]},
        {"prompt": [{"role": "user", "content": "Q"}]},
        {"messages": [{"role": "user", "content": "Q"}]},
        {"conversations": [{"from": "human", "value": "Q"}]},
        {"text": "x", "examples": [{"a": 1}]},
        {"question": ["a"], "answer": [1]},
        {"question": "Q", "options": ["1", "2"], "answer": 1},
    ],
)
def test_one_object_is_one_row(row: dict[str, Any], tmp_path: Path) -> None:
    assert rows(tmp_path, "a.jsonl", json.dumps(row)) == [row]
    assert rows(tmp_path, "a.json", json.dumps(row, indent=2)) == [row]
    assert rows(tmp_path, "a.jsonl", (json.dumps(row) + "\n") * 2) == [row, row]


def test_objects_that_hold_rows_are_rows_beside_others(tmp_path: Path) -> None:
    line = json.dumps({"data": TWO}) + "\n"
    assert rows(tmp_path, "a.jsonl", line) == TWO
    assert rows(tmp_path, "a.jsonl", line * 3) == [{"data": TWO}] * 3


def test_problems_in_xml(tmp_path: Path) -> None:
    problem = '  <Problem ID="{}" Grade="1">\n    <Body>a &lt; b &#233;</Body>\n    <Question>How\nmany?</Question>\n'
    problem += "    <Answer>{} (apples)</Answer>\n    <Formula/>\n  </Problem>\n"
    text = problem.format("n-1", 9) + problem.format("n-2", 8)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<File>\n <Set>\n{text}</Set>\n</File>\n'
    found = rows(tmp_path, "ASDiv.xml", text)
    shared = {"Grade": "1", "Body": "a < b \u00e9", "Question": "How\nmany?", "Formula": None}
    assert found == [{"ID": f"n-{n}", "Answer": f"{10 - n} (apples)", **shared} for n in (1, 2)]
    assert rows(tmp_path, "a.xml.gz", gzip.compress(text.encode("utf-16"))) == found
    assert rows(tmp_path, "a", "<q>only a text</q>") == []


def test_places_are_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TWO, indent=1))
    assert [row.place.removeprefix(str(tmp_path)) for row in source_rows(tmp_path / "a.json")] == [
        "/a.json:2, row 1",
        "/a.json:6, row 2",
    ]
    (tmp_path / "a.csv").write_text('q,a\n"one\ntwo",1\n\nb,2\n')
    found = list(source_rows(tmp_path / "a.csv"))
    assert [row.place.rpartition(":")[2] for row in found] == ["2", "5"]
    assert found[0].values == {"q": "one\ntwo", "a": "1"}


def test_row_numbers_of_a_table_keep_a_name(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", ",q\n0,a\n") == [{"column 1": "0", "q": "a"}]


def test_questions_and_answers_without_a_header(tmp_path: Path) -> None:
    text = "Tom has 3 pens and buys 4. How many now?\t7\nWhat is x?\t1,000\n"
    found = rows(tmp_path, "mgsm_en.tsv", text)
    assert [row["answer"] for row in found] == ["7", "1,000"]
    with refused("header-missing", "What is it?", "6 names", "question,A,B,C,D,answer"):
        rows(tmp_path, "a.csv", "What is it?,red,blue,old,new,7\n")
    assert rows(tmp_path, "a.tsv", "\u4f55\u4e2a\uff1f\t7\n") == [{"question": "\u4f55\u4e2a\uff1f", "answer": "7"}]
    assert list(rows(tmp_path, "a.csv", "question,Is it right?,2020\na,b,c\n")[0]) == [
        "question",
        "Is it right?",
        "2020",
    ]
    with refused("header-missing", '"12"'):
        rows(tmp_path, "a.csv", "a,b,12\nc,d,13\n")


@pytest.mark.parametrize(
    ("name", "content", "code", "place"),
    [
        ("a.xml", "\n\n<p>\n<q>a</q>", "xml-malformed", "a.xml:4: malformed XML: no element found."),
        ("a.xml", "<p>Hello <b>you</b> there</p>", "xml-malformed", "text between others"),
        ("a.xml", "<p><a>1</a><a>2</a></p>", "column-repeated", '"a"'),
        ("a.xml", "<!DOCTYPE p [\n<!ENTITY a 'x'>]>\n<p><q>&a;</q></p>", "xml-malformed", "a document type"),
        ("a.xml", "<p>\n<q>&lt; &nbsp;</q></p>", "xml-malformed", "a.xml:2"),
        ("a.jsonl", "", "file-empty", "a.jsonl"),
        ("a.json", '[{"a": 1},]', "json-malformed", "a.json:1:11"),
        ("a.json", '{\n"a": 1}\n{"a": 2}', "json-malformed", "a.json:3:1"),
        ("a.json", '\n{"a": 1\n,}', "json-malformed", "a.json:3:2"),
        ("a.json", '[{"a": 1}\n {"a": 2}]', "json-malformed", "a.json:2:2"),
        ("a.json", '[\n{"a": 1},\n{"a": tru}]', "json-malformed", "a.json:3:7"),
        ("a.json", '[{"a": 1}', "json-malformed", "a.json:1:10"),
        ("a.json", '[{"a": 1}]\n[]', "json-malformed", "a.json:2:1"),
        ("a.json", "[\n1]", "row-not-object", "a.json:2, row 1"),
        ("a.json", '[["question"], ["a"]]', "row-not-object", "is a list"),
        ("a.json", '[{"a": NaN}]', "json-not-strict", "a.json:1"),
        ("a.json", '[{"a": 1, "a": 2}]', "json-not-strict", '"a" occurs twice'),
        ("a.json", "[" * 100_000, "json-not-strict", "a.json:1"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "row-not-object", "a.jsonl:2 is a list"),
        ("a.jsonl", "question,answer\na,7\n", "json-malformed", "ends in .csv"),
        ("a.txt", "only words\n", "json-malformed", "a.txt:1:1"),
        ("a.csv", "q,a\na,b,7\n", "row-width", "a.csv:2 has 3 cells"),
        ("a.csv", "q,a\na,7\nb\n", "row-width", "a.csv:3 has 1 cell"),
        ("a.csv", 'q,a\nb,8\n"never closed,7\nc,9\n', "table-malformed", "a.csv:3"),
        ("a.csv", 'q,a\n"a" b,7\n', "table-malformed", "a.csv:2"),
        ("a.csv", "q,q\na,7\n", "column-repeated", '"q"'),
        ("a.csv", b"\x80uro,a\n1,7\n", "not-utf8", "a.csv:1"),
        ("a.csv", b"q,a\ncaf\xe9,7\n", "not-utf8", "a.csv:2"),
        ("a.tsv", 'q\ta\n"Yes\t5\nno\t6\nmaybe"\t7\n', "table-malformed", "a.tsv:2"),
    ],
)
def test_a_fault_names_its_place(name: str, content: str | bytes, code: str, place: str, tmp_path: Path) -> None:
    with refused(code, place):
        rows(tmp_path, name, content)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and text == text.lstrip()
)


@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(",;|"), st.sampled_from(["\n", "\r\n"])
)
def test_a_table_that_was_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], separator: str, end: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end)
    writer.writerows([("question", "answer"), *table])
    found = rows(tmp_path_factory.mktemp("table"), "a.csv", out.getvalue())
    assert [(row["question"], row["answer"]) for row in found] == table


json_rows = st.dictionaries(st.sampled_from(["question", "answer", "x"]), st.none() | st.integers() | cells, max_size=3)


@given(st.lists(json_rows, min_size=1, max_size=4), st.sampled_from([None, 0, 2]))
def test_an_array_that_was_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, Any]], indent: int | None
) -> None:
    assert rows(tmp_path_factory.mktemp("array"), "a.json", json.dumps(written, indent=indent)) == written


@pytest.mark.parametrize("last", ["B", "D"])
def test_choices_without_a_header_are_named_by_their_letters(tmp_path: Path, last: str) -> None:
    (row,) = rows(tmp_path, "abstract_algebra_test.csv", f"What is 1 + 1?,1,2,3,4,{last}\n")
    assert row == {"question": "What is 1 + 1?", "A": "1", "B": "2", "C": "3", "D": "4", "answer": last}


@pytest.mark.parametrize("line", ["What is 1 + 1?,1,2,3,4,E", "What is 1 + 1?,A,B,C,D,D", "Is it so?,1,A"])
def test_other_first_rows_are_no_choices(tmp_path: Path, line: str) -> None:
    with refused("header-missing", "such as question"):
        rows(tmp_path, "a.csv", f"{line}\n")


def test_excels_separator_line_and_a_header_that_begins_like_a_format(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", "sep=;\nquestion;answer\nHow, many?;5\n") == [
        {"question": "How, many?", "answer": "5"}
    ]
    assert rows(tmp_path, "b.csv", "PARENT_ID,answer\n1,5\n") == [{"PARENT_ID": "1", "answer": "5"}]


def test_a_document_of_very_many_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_VALUES", 20)
    with refused("file-too-large", "more than 20 values"):
        rows(tmp_path, "a.json", json.dumps([{"question": "q", "x": [{}] * 30}], indent=1))
