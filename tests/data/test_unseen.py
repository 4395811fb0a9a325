"""Questions that no student is trained on: dev first, then spare ones, never one of another part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.data.parts import parts
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.data.unseen import unseen

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
    found = unseen(SMALL, run_seed=1, paths={}, wanted=30)
    split = parts(SMALL, run_seed=1, paths={})
    assert (len(found.items), found.spare) == (30, 26)
    assert found.items[:4] == split.dev
    others = {item.question.id for part in (split.labeled, split.unlabeled, split.test) for item in part}
    names = [item.question.id for item in found.items]
    assert len(set(names)) == 30 and not others & set(names)
    assert not {item.structure for item in split.test} & {item.structure for item in found.items}
    assert all(item.answer is not None for item in found.items)


def test_fewer_are_the_beginning_of_more_and_dev_may_be_enough() -> None:
    few, many = (unseen(SMALL, run_seed=1, paths={}, wanted=wanted) for wanted in (3, 12))
    assert few.spare == 0 and few.items == many.items[:3]
    assert unseen(SMALL, run_seed=2, paths={}, wanted=12).items != many.items


def test_the_rows_of_a_file_that_no_part_took_are_spare(tmp_path: Path) -> None:
    spec, paths = of_file(tmp_path, 60)
    found = unseen(spec, run_seed=1, paths=paths, wanted=100)
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
    found = unseen(spec, run_seed=1, paths=paths, wanted=100)
    assert test.replace("there", "there now") not in {item.question.text for item in found.items}


def test_where_no_new_problem_can_be_made_there_are_fewer() -> None:
    spec = DataSpec(labeled=60, unlabeled=80, test=60, source=SourceSpec(steps=(1, 1)))
    found = unseen(spec, run_seed=1, paths={}, wanted=500)
    assert 12 < len(found.items) < 100


@pytest.mark.parametrize("wanted", [8, 40])
def test_the_split_is_left_as_it_was(wanted: int) -> None:
    before = parts(SMALL, run_seed=1, paths={})
    unseen(SMALL, run_seed=1, paths={}, wanted=wanted)
    assert parts(SMALL, run_seed=1, paths={}) == before
