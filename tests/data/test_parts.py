"""From files to parts: one file for answered and unanswered questions, and whether the truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.data.fields import Fields
from noisy_student.data.locate import locate
from noisy_student.data.parquet import write_parquet
from noisy_student.data.parts import holdout, parts, paths_of
from noisy_student.data.read import read_file, without_marks
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
    items = read_file(path, answers="optional", fields=Fields(question="ask", answer="right"))
    assert [(item.question.text, item.answer) for item in items] == [("How many?", "7"), ("How few?", None)]
    with refused("column-missing") as raised:
        read_file(path, answers="optional")
    assert "ask, noise, right" in raised.value.do
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with refused("file-unreadable", "parquet"):
        read_file(tmp_path / "b.parquet", answers="optional")


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
    assert removal.reason == "exact" and removal.other_text == stolen
    assert asked not in {item.question.text for item in (*found[leaking].labeled, *found[leaking].unlabeled)}
    # Where nobody reads it, it does no harm.
    source = SourceSpec(kind="jsonl", labeled=leaking, test=str(test), fields=Fields(paraphrase="other"))
    off = DataSpec(labeled=10, unlabeled=20, test=5, source=source)
    assert parts(off, run_seed=1, paths=paths_of(locate(source))).removed == ()


def test_calculator_marks_are_removed_and_nothing_else() -> None:
    gold = "She sells 16 - 3 = <<16-3=13>>13 eggs.\nThat is 13 * 100 = $<<13*100=1300>>1,300.\n#### 1,300"
    assert without_marks(gold) == "She sells 16 - 3 = 13 eggs.\nThat is 13 * 100 = $1,300.\n#### 1,300"
    assert without_marks("1 << 2 and <<3\n4>> and <<>>") == "1 << 2 and <<3\n4>> and "


SMALL = DataSpec(labeled=20, unlabeled=24, test=16)


def of_file(folder: Path, count: int) -> tuple[DataSpec, dict[str, str]]:
    names = ["apples", "pens", "boats", "coins", "books", "lamps", "rings", "boxes", "cups", "kites"]
    rows = [
        {"question": f"{who} has {n} {names[n % 10]} and buys {n * 7} more. How many are there?", "answer": str(8 * n)}
        for n, who in enumerate(f"Person{chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(count))
    ]
    path = folder / "all.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = SourceSpec(kind="jsonl", labeled=str(path))
    return DataSpec(labeled=10, unlabeled=10, test=5, source=source), {"labeled.0": str(path)}


def test_dev_comes_first_and_spare_ones_stand_in_no_part() -> None:
    found = holdout(SMALL, run_seed=1, paths={}, wanted=30)
    split = parts(SMALL, run_seed=1, paths={})
    assert (len(found.items), found.spare) == (30, 26)
    assert found.items[:4] == split.dev
    others = {item.question.id for part in (split.labeled, split.unlabeled, split.test) for item in part}
    names = [item.question.id for item in found.items]
    assert len(set(names)) == 30 and not others & set(names)
    assert not {item.structure for item in split.test} & {item.structure for item in found.items}
    assert all(item.answer is not None for item in found.items)


def test_fewer_are_the_beginning_of_more_and_dev_may_be_enough() -> None:
    few, many = (holdout(SMALL, run_seed=1, paths={}, wanted=wanted) for wanted in (3, 12))
    assert few.spare == 0 and few.items == many.items[:3]
    assert holdout(SMALL, run_seed=2, paths={}, wanted=12).items != many.items


def test_the_rows_of_a_file_that_no_part_took_are_spare(tmp_path: Path) -> None:
    spec, paths = of_file(tmp_path, 60)
    found = holdout(spec, run_seed=1, paths=paths, wanted=100)
    split = parts(spec, run_seed=1, paths=paths)
    taken = len(split.labeled) + len(split.unlabeled) + len(split.test) + len(split.removed)
    assert (len(found.items), found.spare) == (60 - taken, 60 - taken - len(split.dev))


def test_a_question_that_repeats_a_test_question_is_not_among_them(tmp_path: Path) -> None:
    spec, paths = of_file(tmp_path, 60)
    test = parts(spec, run_seed=1, paths=paths).test[0].question.text
    with Path(paths["labeled.0"]).open("a") as file:
        file.write(json.dumps({"question": test.replace("there", "there now"), "answer": "1"}) + "\n")
    again = parts(spec, run_seed=1, paths=paths)
    assert test in {item.question.text for item in again.test}
    found = holdout(spec, run_seed=1, paths=paths, wanted=100)
    assert test.replace("there", "there now") not in {item.question.text for item in found.items}


def test_where_no_new_problem_can_be_made_there_are_fewer() -> None:
    spec = DataSpec(labeled=60, unlabeled=80, test=60, source=SourceSpec(steps=(1, 1)))
    found = holdout(spec, run_seed=1, paths={}, wanted=500)
    assert 12 < len(found.items) < 100


@pytest.mark.parametrize("wanted", [8, 40])
def test_the_split_is_left_as_it_was(wanted: int) -> None:
    before = parts(SMALL, run_seed=1, paths={})
    holdout(SMALL, run_seed=1, paths={}, wanted=wanted)
    assert parts(SMALL, run_seed=1, paths={}) == before
