"""A newcomer's own questions, from the command line: the outlook first, gold that is lost, a page that says so."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student import seeds
from noisy_student.cli.main import main
from noisy_student.data.generated import problems

STUDY = """
question = "Do the questions help?"
teacher = "base"
[data]
labeled = 15
unlabeled = 8
test = 8
[data.source]
kind = "jsonl"
labeled = "gold.jsonl"
unlabeled = "open.jsonl"
[labels]
votes = { K = 2 }
[conditions]
base = { method = "none" }
baseline = { train = ["gold"] }
[primary]
helps = { a = "baseline", b = "base" }
[sampling]
max_new_tokens = 48
[evaluation]
sampled_questions = 0
stop_questions = 0
[evaluation.decoding]
max_new_tokens = 48
[sft]
epochs = 1.0
max_length = 256
[compute]
workers = 1
"""
LAB = ["--model", "lab-m"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("mine.toml").write_text(STUDY)
    stream = problems.problems(7, steps=(1, 2), share="study")
    known = list(itertools.islice(stream, 40))
    with Path("gold.jsonl").open("w") as file:
        for number, problem in enumerate(known[:28]):
            text = problems.gold_solution(problem, seeds.generator(1, "gold", str(number)))
            text = "Let us think about it. " * 40 * (number % 2) + text
            file.write(json.dumps({"question": problem.text, "answer": problem.answer, "solution": text}) + "\n")
    Path("open.jsonl").write_text("\n".join(json.dumps({"question": one.text}) for one in known[28:]))


def hopeless() -> None:
    """Replace the questions by some that the lab model cannot answer."""
    rows = [
        {
            "question": f"Ticket {37 * n}: which shelf holds parcel {91 * n % 77} of region {n % 7}?",
            "answer": 17 * n % 83,
        }
        for n in range(28)
    ]
    Path("gold.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.slow
def test_lost_gold_is_foreseen_counted_and_withholds_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "./mine.toml", *LAB]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "lab-m · 12 labeled, 3 dev, 8 unlabeled, 8 test · scale lab · K = 2"
    assert any("longer than sft.max_length = 256 tokens" in line for line in lines)
    assert not any("against the key" in line for line in lines), "no key can hold the answers"
    assert main(["run", "./mine.toml", *LAB]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == said.err.splitlines()[0] == first
    assert "Outlook: " in said.err
    assert "no verdict: baseline learned from" in said.out
    (folder,) = Path("runs").glob("mine-*")
    results = json.loads((folder / "results.json").read_text())
    row = next(row for row in results["conditions"] if row["name"] == "baseline")
    left = row["gold"]["left_out"]
    assert row["gold"]["questions"] == 12 and left == row["gold"]["too_long"] > 2
    assert row["trained_on"] == 12 - left
    (finding,) = [row for row in results["findings"] if row["primary"]]
    assert finding["verdict"] is None and f"{12 - left} of 12" in finding["withheld"]
    # What was written can be read again, by the same command and by others.
    for words in (["run", "./mine.toml", *LAB], ["report", str(folder)], ["log"]):
        assert main(words) == 0
        said = capsys.readouterr()
        assert "does not fit" not in said.err and "anew" not in said.err
    page = (folder / "report.html").read_text()
    assert first in page and f"{left} of 12" in page and "no verdict" in page


@pytest.mark.slow
def test_a_base_at_the_floor_stops_the_run_and_anyway_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    hopeless()
    for _ in range(2):
        assert main(["run", "./mine.toml", *LAB]) == 1
        said = capsys.readouterr().err
        assert printed_code(said) == "outlook-base-too-weak" and "--anyway" in said
        assert not Path("runs").exists()
    assert "sample the base model" not in said, "the outlook is stored"
    assert main(["run", "./mine.toml", *LAB, "--anyway"]) in {0, 1}
    assert list(Path("runs").glob("mine-*/report.html"))


@pytest.mark.slow
def test_answers_that_are_cut_off_stop_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--set", "sampling.max_new_tokens=3", "--set", "evaluation.decoding.max_new_tokens=3"]
    assert main(["run", "./mine.toml", *LAB, *short]) == 1
    assert printed_code(capsys.readouterr().err) == "outlook-answers-cut"


def test_a_corrected_command_is_not_blocked_by_a_failed_one(capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", "gold.jsonl", "--out", "parts"]
    assert main(["split", *data, "--set", "data.test=500"]) == 1
    assert not Path("parts.partial").exists()
    capsys.readouterr()
    sizes = [f"--set=data.{part}={size}" for part, size in (("labeled", 10), ("unlabeled", 5), ("test", 5))]
    assert main(["split", *data, *sizes]) == 0
    bare = ["--model", "./none-such", "--out", "drawn.jsonl"]
    assert main(["sample", "open.jsonl", *bare]) == 1
    assert main(["sample", "open.jsonl", *LAB, "--k", "1", "--out", "drawn.jsonl"]) == 0
