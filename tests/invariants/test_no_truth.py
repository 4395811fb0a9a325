"""The user who has some answered and many unanswered questions in one file, from ``init`` to a verdict."""

from __future__ import annotations

import itertools
import json
import random
import sys
from pathlib import Path

import pytest
from refusals import printed_code
from workplace import STUDY, Workplace, ended

from noisy_student.data.generated import problems as procedural
from noisy_student.data.source import question_id

SMALL = STUDY[STUDY.index("[answers]") :]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("no-truth"), study="")
    place.study.unlink()
    chance = random.Random(3)
    problems = itertools.islice(procedural.problems(5, steps=(1, 3), share="study"), 80)
    rows = [
        {"question": problem.text} | ({"answer": procedural.gold_solution(problem, chance)} if number < 50 else {})
        for number, problem in enumerate(problems)
    ]
    chance.shuffle(rows)
    (place.folder / "tiny.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


def _init(place: Workplace, *words: str) -> str:
    command = [sys.executable, "-m", "noisy_student", "init", "tiny.jsonl", *words]
    done = ended(place.python(command))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def begun(place: Workplace) -> Workplace:
    """The place with the study file that ``init`` writes, at a size for a test."""
    if not place.study.exists():
        said = _init(place, "--model", "lab-m")
        assert "have no answers: the study has no oracle" in said
        place.study.write_text(place.study.read_text() + SMALL)
    return place


@pytest.mark.slow
def test_init_then_run_ends_in_a_verdict_with_its_unit_and_mde(begun: Workplace) -> None:
    place = begun
    done = place.complete()
    results = place.results()
    (label,) = results["labels"]
    assert label["accuracy"] is None and label["precision"] is None
    assert label["on_dev"]["questions"] == results["data"]["counts"]["dev"]
    assert "the unlabeled questions have no gold answers" in " ".join(done.stdout.split())
    assert {row["status"] for row in results["conditions"]} <= {"done", "skipped"}
    (finding,) = (finding for finding in results["findings"] if finding["name"] == "noisy-helps")
    assert finding["verdict"] in {"helps", "hurts", "no-difference", "undecided"}
    assert finding["unit"] == "checkpoints" and finding["mde"] > 0
    assert "MDE" in done.stdout


@pytest.mark.slow
def test_a_study_with_an_oracle_drops_it_by_name_with_the_reason(begun: Workplace) -> None:
    place = begun
    truthful = place.study.read_text().replace(
        "[primary.noisy-helps]", '[conditions.oracle]\ntrain = ["gold", "revealed"]\n\n[primary.noisy-helps]'
    )
    (place.folder / "with-oracle.toml").write_text(truthful)
    command = [
        sys.executable,
        "-m",
        "noisy_student",
        "run",
        "./with-oracle.toml",
        "--store",
        "store",
        "--runs",
        "runs",
        "--json",
    ]
    done = ended(place.python(command))
    assert done.returncode == 0, done.stderr
    (oracle,) = (row for row in json.loads(done.stdout)["conditions"] if row["name"] == "oracle")
    assert oracle["status"] == "skipped"
    assert "0 of" in oracle["reason"]


@pytest.mark.slow
def test_nothing_is_overwritten(begun: Workplace) -> None:
    place = begun
    command = [sys.executable, "-m", "noisy_student", "init", "tiny.jsonl"]
    done = ended(place.python(command))
    assert done.returncode == 1
    assert printed_code(done.stderr) == "output-exists"
    assert "tiny.toml" in done.stderr


def test_unanswered_questions_only_are_refused(place: Workplace, tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text('{"question": "How many?"}\n' * 3)
    done = ended(place.python([sys.executable, "-m", "noisy_student", "init", str(path)]))
    assert done.returncode == 1
    assert "None of the 3 questions" in done.stderr


@pytest.mark.slow
def test_answers_without_a_worked_text_are_learned_from_by_own_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(tmp_path, study="")
    monkeypatch.chdir(tmp_path)  # the study names its file by a relative path
    problems = itertools.islice(procedural.problems(6, steps=(1, 1), share="study"), 70)
    rows = [{"question": problem.text, "answer": problem.answer} for problem in problems]
    (place.folder / "bare.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    place.study.write_text(
        'question = "Is a bare answer enough?"\n[data]\nlabeled = 40\nunlabeled = 10\ntest = 10\n'
        '[data.source]\nkind = "jsonl"\nlabeled = "bare.jsonl"\n[conditions]\nbaseline = { train = ["gold"] }\n' + SMALL
    )
    place.complete("--model", "lab-m", "--anyway")
    examples = place.store / "stages" / place.node("examples baseline").name / "data" / "examples.jsonl"
    learned = [json.loads(line) for line in examples.read_text().splitlines()]
    (row,) = place.results()["conditions"]
    assert 0 < len(learned) == row["trained_on"] <= 32
    answers = {question_id(row["question"]): row["answer"] for row in rows}
    for example in learned:
        assert example["target"].rpartition("#### ")[2] == answers[example["question_id"]]
