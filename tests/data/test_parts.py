"""From files to parts: one file for answered and unanswered questions, and whether the truth is known."""

from __future__ import annotations

import json
from pathlib import Path

from refusals import refused

from noisy_student.data.fields import Fields
from noisy_student.data.locate import locate
from noisy_student.data.parquet import read_parquet, write_parquet
from noisy_student.data.parts import parts, paths_of, without_marks
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.data.splits import answer_key

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
    with refused("column-missing") as raised:
        read_parquet(path, answers="optional")
    assert "ask, right, noise" in raised.value.why
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with refused("file-unreadable", "parquet"):
        read_parquet(tmp_path / "b.parquet", answers="optional")


def _paraphrased(path: Path, views: list[str | None]) -> str:
    rows = [
        {"question": f"{NAMES[n % 8]} has {n} red pens. How many?", "answer": str(n), "other": view}
        for n, view in enumerate(views)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_column_of_paraphrases_is_read_where_the_data_have_views(tmp_path: Path) -> None:
    # One is missing, one is empty, one is the question again.
    views = [None, " ", "Ben has 1 red pens.  How many?", *(f"Of {n} pens how many are there?" for n in range(3, 40))]
    path = _paraphrased(tmp_path / "mine.jsonl", [views[0], views[1], "Eva has 2 red pens.  How many?", *views[3:]])
    source = SourceSpec(kind="jsonl", labeled=path, fields=Fields(paraphrase="other"))
    spec = DataSpec(labeled=10, unlabeled=20, test=10, source=source, views=True)
    made = parts(spec, run_seed=1, paths=paths_of(locate(source)))
    every = (*made.labeled, *made.dev, *made.unlabeled, *made.test)
    lacking = {item.question.text for item in every if item.paraphrase is None}
    assert lacking == {f"{NAMES[n]} has {n} red pens. How many?" for n in range(3)}
    off = parts(spec.model_copy(update={"views": False}), run_seed=1, paths=paths_of(locate(source)))
    assert not any(item.paraphrase for item in (*off.labeled, *off.unlabeled))


def test_a_question_whose_paraphrase_repeats_a_test_question_is_left_out(tmp_path: Path) -> None:
    count = 30
    plain = [f"Of {n} pens how many are there?" for n in range(count)]
    path = _paraphrased(tmp_path / "plain.jsonl", plain)
    test = _write(tmp_path / "test.jsonl", 5, answered=5, first=1000)
    stolen = json.loads(test.read_text().splitlines()[0])["question"]
    leaking = _paraphrased(tmp_path / "leaking.jsonl", [stolen.upper(), *plain[1:]])
    found = {}
    for name in (path, leaking):
        source = SourceSpec(kind="jsonl", labeled=name, test=str(test), fields=Fields(paraphrase="other"))
        spec = DataSpec(labeled=10, unlabeled=19, test=5, source=source, views=True)
        found[name] = parts(spec, run_seed=1, paths=paths_of(locate(source)))
    assert found[path].removed == ()
    (removal,) = found[leaking].removed
    asked = "Ana has 0 red pens. How many?"
    assert removal.reason == "exact" and removal.test_text == stolen
    assert asked not in {item.question.text for item in (*found[leaking].labeled, *found[leaking].unlabeled)}
    # Where nobody reads it, it does no harm.
    source = SourceSpec(kind="jsonl", labeled=leaking, test=str(test), fields=Fields(paraphrase="other"))
    off = DataSpec(labeled=10, unlabeled=20, test=5, source=source)
    assert parts(off, run_seed=1, paths=paths_of(locate(source))).removed == ()


def test_calculator_marks_are_removed_and_nothing_else() -> None:
    gold = "She sells 16 - 3 = <<16-3=13>>13 eggs.\nThat is 13 * 100 = $<<13*100=1300>>1,300.\n#### 1,300"
    assert without_marks(gold) == "She sells 16 - 3 = 13 eggs.\nThat is 13 * 100 = $1,300.\n#### 1,300"
    assert without_marks("1 << 2 and <<3\n4>> and <<>>") == "1 << 2 and <<3\n4>> and "
