"""Foreign pools: what is left out, by source and by words, what is counted, and that answers stay out of the split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from refusals import refused

from noisy_student.context import Context
from noisy_student.data.fields import ForeignFields
from noisy_student.data.key_file import read_key
from noisy_student.data.locate import locate
from noisy_student.data.parquet import write_parquet
from noisy_student.data.parts import parts, paths_of, sizes_of
from noisy_student.data.rows import read_asked, read_questions
from noisy_student.data.spec import DataSpec, ForeignSpec, SourceSpec
from noisy_student.data.splits import answer_key, manifest
from noisy_student.errors import UserError
from noisy_student.study.stages import key, split

WORDS = ("red pens", "blue cups", "old maps", "big hats", "new keys", "fat cats", "hot pies", "wet dogs")


def _school(n: int) -> str:
    """A grade-school question, one of the study's own."""
    return (
        f"Ms. Lee has {n} {WORDS[n % 8]} in room {n * 7 % 31}, and her brother brings {n * n % 97} of them on day"
        f" {n % 5}. How many {WORDS[n % 8]} are {n + 2} and {n * 3} more than that?"
    )


def _olympiad(n: int) -> str:
    return f"Let $f_{n}$ be a polynomial of degree {n + 2} with $f_{n}(k) = k^{n % 7}$. Determine $f_{n}({n + 1})$."


def _row(source: str, problem: str, answer: object = 1) -> dict[str, str]:
    return {"source": source, "problem": problem, "solution": f"We work it out. The answer is $\\boxed{{{answer}}}$."}


def _write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def own(tmp_path: Path) -> SourceSpec:
    """Sixty questions of the study: eight are its test, some are left over."""
    rows = [{"question": _school(n), "answer": str(n + n * n % 97)} for n in range(60)]
    return SourceSpec(kind="jsonl", labeled=_write(tmp_path / "own.jsonl", rows))


def _data(own: SourceSpec, pool: str, **foreign: Any) -> tuple[DataSpec, dict[str, str]]:
    spec = ForeignSpec(kind="jsonl", questions=pool, **{"count": 10, **foreign})
    data = DataSpec(labeled=15, unlabeled=20, test=8, source=own, foreign=spec)
    return data, paths_of({**locate(own), **locate(spec)})


def _summary(data: DataSpec, paths: dict[str, str]) -> dict[str, Any]:
    made = parts(data, run_seed=1, paths=paths)
    assert made.foreign is not None
    return made.foreign.summary


POOL = [
    *(_row("olympiads", _olympiad(n), n) for n in range(30)),
    *(_row("gsm8k", _school(n), n) for n in range(100, 110)),
    *(_row("GSM8K ", _school(n), n) for n in range(110, 113)),
    # The study's own questions and excluded rows, under the names of others.
    *(_row("synthetic_math", _school(n).upper(), n) for n in range(60)),
    *(_row("orca_math", _school(n).replace("Ms. Lee", "Mr. Ito"), n) for n in range(100, 105)),
    _row("gsm8k", _school(120)),
    _row("aops_forum", _school(120)),
    _row("amc_aime", _olympiad(3), 3),
    _row("olympiads", _olympiad(50), 1),
    _row("cn_k12", _olympiad(50), 2),
    {"source": "olympiads", "problem": _olympiad(51), "solution": "The proof is left to the reader."},
]


def test_sources_are_excluded_by_their_column_and_what_repeats_them_by_its_words(
    tmp_path: Path, own: SourceSpec
) -> None:
    pool = _write(tmp_path / "numina.jsonl", POOL)
    data, paths = _data(own, pool, count=30, exclude_sources=("gsm8k",), only_answered=True)
    made = parts(data, run_seed=1, paths=paths)
    assert made.foreign is not None
    assert {item.question.text for item in made.foreign.items} == {_olympiad(n) for n in range(30)}
    found = made.foreign.summary
    assert found["rows"] == len(POOL)
    left_out = found["left_out"]
    # Ten, three and one rows; one more question stands under another name, too.
    assert left_out["excluded-source"] == 15
    assert (left_out["two-answers"], left_out["repeats-itself"], left_out["no-answer"]) == (1, 2, 1)
    # Of the 65 repetitions those that were met before there were thirty questions.
    repeated = {name: left_out[f"repeats-{name}"] for name in ("test", "labeled", "unlabeled", "source", "excluded")}
    assert sum(repeated.values()) == found["examined"] - 30 == sum(found["found_by"].values()) > 50
    most = {"test": 8, "labeled": 15, "unlabeled": 20, "source": 17, "excluded": 5}
    assert all(0 < repeated[name] <= most[name] for name in most)
    assert {removal["reason"] for removal in found["removed"]} <= {"exact", "near", "shared-run"}
    assert len(found["removed"]) == 20


def test_without_the_exclusion_the_rows_stay(tmp_path: Path, own: SourceSpec) -> None:
    pool = _write(tmp_path / "numina.jsonl", [_row("gsm8k", _school(n), n) for n in range(100, 110)])
    assert _summary(*_data(own, pool))["left_out"] == {}
    with refused("too-few-foreign-questions", "is 10 and 0 questions", "(10 of an excluded source)"):
        _summary(*_data(own, pool, exclude_sources=("Gsm8K",)))


def test_a_source_is_excluded_by_its_whole_name(tmp_path: Path, own: SourceSpec) -> None:
    pool = _write(tmp_path / "a.jsonl", [_row("gsm8k-like", _olympiad(n), n) for n in range(10)])
    assert _summary(*_data(own, pool, exclude_sources=("gsm8k",)))["left_out"] == {}


def test_the_answers_go_to_the_key_and_never_into_the_split(tmp_path: Path, own: SourceSpec) -> None:
    rows = [_row("olympiads", _olympiad(n), 7000 + n) for n in range(9)]
    rows.append({"source": "olympiads", "problem": _olympiad(9), "solution": "Prove it: 7009."})
    data, paths = _data(own, _write(tmp_path / "a.jsonl", rows))
    spec = {"data": json.loads(json.dumps(data.model_dump(mode="json"))), "seed": 1, "paths": paths}
    folder = tmp_path / "split"
    folder.mkdir()
    summary = split.run(spec, {}, Context(folder))
    assert summary["counts"] == {"labeled": 12, "dev": 3, "unlabeled": 20, "test": 8, "foreign": 10}
    asked = read_questions(folder / "data" / "foreign.jsonl")
    assert {question.source for question in asked} == {"olympiads"}
    written = "".join(path.read_text() for path in (folder / "data").iterdir())
    assert not any(str(7000 + n) in written for n in range(10))
    assert {q.id for q in asked} < {q.id for q in read_asked(folder / "data")}
    (tmp_path / "key").mkdir()
    key.run(spec, {}, Context(tmp_path / "key"))
    truth = read_key(tmp_path / "key" / "data" / "key.jsonl")
    known = {question.text: truth[question.id].answer for question in asked if question.id in truth}
    assert known == {_olympiad(n): str(7000 + n) for n in range(9)}


def test_the_order_of_the_file_does_not_matter_and_the_seed_does(tmp_path: Path, own: SourceSpec) -> None:
    rows = [_row("olympiads", _olympiad(n), n) for n in range(40)]
    data, paths = _data(own, _write(tmp_path / "a.jsonl", rows))
    other_data, other_paths = _data(own, _write(tmp_path / "b.jsonl", rows[::-1]))
    chosen = [
        parts(spec, run_seed=seed, paths=where).foreign
        for spec, where, seed in ((data, paths, 1), (other_data, other_paths, 1), (data, paths, 2))
    ]
    texts = [[item.question.text for item in part.items] for part in chosen if part is not None]
    assert texts[0] == texts[1] != texts[2]


def test_unreadable_answers_of_a_pool_are_unknown(tmp_path: Path, own: SourceSpec) -> None:
    rows = [{"ask": _olympiad(n), "right": "\\sqrt{2}" if n % 2 else str(n), "from": "web"} for n in range(10)]
    write_parquet(tmp_path / "a.parquet", rows)
    fields = ForeignFields(question="ask", answer="right", source="from")
    found = _summary(*_data(own, str(tmp_path / "a.parquet"), fields=fields))
    assert (found["questions"], found["answered"]) == (10, 5)
    with refused("too-few-foreign-questions", "and 5 questions", "5 without a readable answer"):
        _summary(*_data(own, str(tmp_path / "a.parquet"), fields=fields, only_answered=True))


def test_generated_questions_need_no_file_and_shrink_with_the_limit() -> None:
    data = DataSpec(labeled=20, unlabeled=20, test=10, source=SourceSpec(steps=(1, 3)), foreign=ForeignSpec(count=50))
    made = parts(data, run_seed=3, paths={})
    assert made.foreign is not None
    assert len(made.foreign.items) == 50 == sizes_of(data).foreign
    assert made.foreign.summary["answered"] == 50
    assert made.foreign.rows is None
    assert len(answer_key(made)) == 20 + 10 + 4 + 50
    assert sizes_of(data.model_copy(update={"limit": 50})).model_dump() == {
        **{"labeled": 10, "unlabeled": 10, "test": 5, "foreign": 25}
    }
    without = parts(data.model_copy(update={"foreign": None}), run_seed=3, paths={})
    assert manifest(made)["parts"].items() > manifest(without)["parts"].items()


def test_a_split_without_foreign_questions_is_what_it_was() -> None:
    """The digest was computed by the code before there were any."""
    data = DataSpec(labeled=50, unlabeled=100, test=50, source=SourceSpec(steps=(1, 3)))
    page = manifest(parts(data, run_seed=1, paths={}))
    assert page["digest"] == "af791da3457a267deb6ae6af14b1872988858a996c64ba1cbeefbc1e96de0e08"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "jsonl"}, "no-foreign-source"),
        ({"kind": "hub", "questions": "train"}, "no-dataset"),
        ({"exclude_sources": ["gsm8k"]}, "procedural-answers-are-numbers"),
        ({"answers": "math"}, "procedural-answers-are-numbers"),
        ({"steps": [0, 2]}, "steps-out-of-range"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code):
        ForeignSpec.model_validate(fields)


@pytest.mark.parametrize("fields", [{"count": 0}, {"sources": []}])
def test_a_spec_is_strict(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ForeignSpec.model_validate(fields)


def test_messages_of_missing_files_name_the_table(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}\n")
    with pytest.raises(UserError) as raised:
        locate(ForeignSpec(kind="hub", dataset=str(tmp_path), questions="test"))
    assert "data.foreign.questions" in raised.value.do
