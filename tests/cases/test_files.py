"""The rows of r-data-files.jsonl: each file is read, or refused with a fitting remedy."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow.parquet import write_table
from refusals import refused

from noisy_student.cli.main import main
from noisy_student.data.formats import source_rows
from noisy_student.data.locate import locate
from noisy_student.data.read import read_file
from noisy_student.data.source import merge
from noisy_student.data.spec import SourceSpec
from noisy_student.opener import read_text

ROWS = {
    row["case"]: row
    for row in map(json.loads, Path(__file__).with_name("r-data-files.jsonl").read_text(encoding="utf-8").splitlines())
}
ADA = "Ada has 3 pens and gets 4. How many?"
BOTH = [(ADA, "7"), ("Bo has 9 cups, 2 break. How many?", None)]
QUESTIONS = {
    "R-01": BOTH,
    "R-02": BOTH,
    "R-03": [(ADA, "7")],
    "R-04": BOTH,
    "R-06": BOTH,
}
"""Questions and answers of the files that hold them."""
VALUES: dict[str, list[dict[str, Any]]] = {
    "R-09": [{"name": "a", "correct": "5", "n": "10"}, {"name": "b", "correct": "7", "n": "10"}],
    "R-17": [{"prompt": [{"role": "user", "content": "Q"}], "reward_model": {"ground_truth": "7"}}],
    "R-18": [{"prompt": [{"role": "user", "content": "Q"}], "answer": "7"}],
    "R-19": [{"question": "Q", "answer": [39.0]}],
}
"""Values of the files whose columns are read elsewhere."""


def written(case: str, folder: Path) -> Path:
    name = ROWS[case]["name"].split(" ")[0].rstrip(",")
    path = folder / name
    path.write_bytes(base64.b64decode(ROWS[case]["bytes_b64"]))
    return path


@pytest.mark.parametrize("case", QUESTIONS)
def test_questions(case: str, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    items = read_file(path, answers="optional")
    assert [(item.question.text, item.answer) for item in items] == QUESTIONS[case]


@pytest.mark.parametrize("case", VALUES)
def test_values(case: str, tmp_path: Path) -> None:
    assert [row.values for row in source_rows(written(case, tmp_path))] == VALUES[case]


def test_r07_a_study_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_text(written("R-07", tmp_path)) == 'question = "x"\r\n'


def test_r11_a_git_lfs_pointer(tmp_path: Path) -> None:
    with refused("lfs-pointer", "git lfs pull"):
        read_file(written("R-11", tmp_path), answers="optional")


@pytest.mark.parametrize("name", ["X.PARQUET", "x.pq", "x.data"])
def test_r12_parquet_by_any_name(name: str, tmp_path: Path) -> None:
    write_table(pyarrow.table({"question": ["a", "b"], "answer": [1, 2]}), tmp_path / name)
    assert [item.answer for item in read_file(tmp_path / name, answers="required")] == ["1", "2"]


def test_r13_decimals(tmp_path: Path) -> None:
    answers = pyarrow.array([Decimal("18.00"), Decimal("7.50"), None], pyarrow.decimal128(10, 2))
    write_table(pyarrow.table({"question": ["a", "b", "c"], "answer": answers}), tmp_path / "d.parquet")
    assert [item.answer for item in read_file(tmp_path / "d.parquet", answers="optional")] == ["18", "7.5", None]


def test_r14_bytes(tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    write_table(pyarrow.table({"question": ["é".encode()], "answer": [1], "image": [b"\xff\xd8"]}), path)
    assert [item.question.text for item in read_file(path, answers="required")] == ["é"]
    write_table(pyarrow.table({"question": [b"\xff\xfe\x00"], "answer": [1]}), path)
    with refused("column-not-text", "bytes"):
        read_file(path, answers="required")


def test_r16_an_empty_answer_is_unknown(tmp_path: Path) -> None:
    assert [item.answer for item in read_file(written("R-16", tmp_path), answers="optional")] == ["7", None]
    (tmp_path / "empty.csv").write_text("question,answer\na,7\nb,\n")
    assert [item.answer for item in read_file(tmp_path / "empty.csv", answers="optional")] == ["7", None]


@pytest.mark.parametrize(("case", "hidden"), [("R-21", True), ("R-22", False)])
def test_a_data_folder(case: str, hidden: bool, tmp_path: Path) -> None:
    assert "folder" in ROWS[case]["name"]
    rows = [{"question": f"What is {n} + 1?", "answer": n + 1} for n in range(9)]
    name = "train.jsonl" if hidden else "train.json"
    (tmp_path / name).write_text("\n".join(map(json.dumps, rows)) if hidden else json.dumps(rows))
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / name).write_text("{}")
    (found,) = locate(SourceSpec(kind="hub", dataset=str(tmp_path), labeled="train"))["labeled"]
    assert (found, len(read_file(found, answers="required"))) == (tmp_path / name, 9)


LINE = '{"question": "How many?", "answer": 1}'
CONTROLS: dict[str, tuple[bytes, list[str]]] = {
    "crlf": (f"{LINE}\r\n{LINE}\r\n".encode(), ["How many?"] * 2),
    "blank lines": (f"\n{LINE}\n \n\n".encode(), ["How many?"]),
    "U+2028": ('{"question": "a\u2028b", "answer": 1}\n'.encode(), ["a\u2028b"]),
    "emoji and RTL": (
        '{"question": "\U0001f34e \u05e9\u05dc\u05d5\u05dd?", "answer": 1}\n'.encode(),
        ["\U0001f34e \u05e9\u05dc\u05d5\u05dd?"],
    ),
    "NUL": (b'{"question": "a\\u0000b", "answer": 1}\n', ["a\0b"]),
    "no last line end": (LINE.encode(), ["How many?"]),
    "ids null": (b'{"question": "a", "answer": 1, "id": null}\n' * 2, ["a"] * 2),
    "duplicate without answer": (f'{LINE}\n{{"question": "How many?"}}\n'.encode(), ["How many?"] * 2),
    "long question": (json.dumps({"question": "x" * 300_000, "answer": 1}).encode(), ["x" * 300_000]),
}


@pytest.mark.parametrize("kind", CONTROLS)
def test_r23_unusual_files_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(CONTROLS[kind][0])
    assert [item.question.text for item in read_file(path, answers="optional")] == CONTROLS[kind][1]


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (f'{LINE}\n{{"question": "a", "question": "b"}}\n'.encode(), "json-not-strict", "q.jsonl:2"),
        (b'{"question": "a", "id": 1}\n{"question": "b", "id": 1}\n', "id-repeated", "q.jsonl:2"),
        (b'{"question": "a", "answer": NaN}\n', "json-not-strict", "q.jsonl:1"),
        (f"{LINE}\n{LINE[:-1]},}}\n".encode(), "json-malformed", "q.jsonl:2:"),
        (f"{LINE}\r{LINE}\r".encode(), "json-malformed", "q.jsonl:1:40"),
        (f"{LINE}\n{LINE[:20]}".encode(), "json-malformed", "q.jsonl:2:"),
        ('{"question": "caf\xe9"}\n'.encode("cp1252"), "not-utf8", "q.jsonl:1"),
    ],
)
def test_r24_broken_files_are_refused_by_place(content: bytes, code: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes(content)
    with refused(code, place):
        read_file(tmp_path / "q.jsonl", answers="optional")


def test_r24_conflicting_answers_are_refused_by_place(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(f"{LINE}\n{LINE.replace('1', '2')}\n")
    with refused("conflicting-answers", "q.jsonl:1", "q.jsonl:2"):
        merge(read_file(tmp_path / "q.jsonl", answers="optional"))


def test_every_row_has_a_test() -> None:
    named = {"R-07", "R-11", "R-12", "R-13", "R-14", "R-16", "R-21", "R-22", "R-23", "R-24"}
    assert ROWS.keys() == QUESTIONS.keys() | VALUES.keys() | named


# Every verb that reads rows, with a file whose first bytes are a byte order mark.
SUMS = [{"question": f"Tom has {n} pens and {n + 1} cups. How many?", "answer": 2 * n + 1} for n in range(130)]
ENCODED: dict[str, Callable[[str], bytes]] = {
    "utf-8-sig": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
}
MODEL = ["--model", "lab-s", "--set", "sampling.max_new_tokens=4", "--set", "evaluation.decoding.max_new_tokens=4"]


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("verb", ["extract", "vote", "label", "init", "split", "sample", "evaluate"])
def test_every_verb_reads_a_byte_order_mark(
    verb: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [{"question_id": "a", "text": "#### 7"}, {"question_id": "a", "text": "#### 7"}]
    own = [{"id": "a", **SUMS[0]}]
    for name, rows in (("sums", SUMS), ("texts", texts), ("own", own)):
        Path(f"{name}.jsonl").write_bytes(ENCODED[encoding](_lines(rows)))
    words = {
        "extract": ["texts.jsonl"],
        "vote": ["texts.jsonl"],
        "label": ["own.jsonl", "--samples", "texts.jsonl"],
        "init": ["sums.jsonl"],
        "split": ["--data", "sums.jsonl", *(f"--set=data.{part}=30" for part in ("labeled", "unlabeled", "test"))],
        "sample": ["own.jsonl", "--k", "1", *MODEL[:-2]],
        "evaluate": ["own.jsonl", *MODEL[:2], *MODEL[-2:]],
    }[verb]
    assert main([verb, *words]) == 0, capfd.readouterr().err
    assert capfd.readouterr().out or verb == "init"
