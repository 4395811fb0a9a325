"""Placeholders where an answer is missing (class o): they abstain in every vote; ready-made answers are read whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.answers.extract_latex import extract_latex
from noisy_student.answers.placeholders import PLACEHOLDERS, is_placeholder
from noisy_student.cli.main import main
from noisy_student.labeling.stopping import tally_of
from noisy_student.labeling.vote import votes, winner_of
from noisy_student.records import Answer

ROWS = [json.loads(line) for line in (Path(__file__).parent / "o-placeholders.jsonl").read_text().splitlines()]


def test_a_vote_of_ready_made_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = {}
    for row in (row for row in ROWS if row["verb"] == "vote"):
        path = tmp_path / f"{row['case']}.jsonl"
        path.write_text("".join(json.dumps({"question_id": "q", "answer": one}) + "\n" for one in row["answers"]))
        assert main(["vote", str(path)]) == 0
        vote = json.loads(capfd.readouterr().out)
        counted = vote["abstained"] + sum(count for _, count in vote["tally"])
        if (vote["winner"], vote["k"], counted) != (row["right"], len(row["answers"]), len(row["answers"])):
            wrong[row["case"]] = (vote, row["right"])
    assert wrong == {}


def test_a_box_without_an_answer() -> None:
    boxes = [row for row in ROWS if row["verb"] == "extract_latex"]
    found = {row["case"]: extract_latex(row["text"]) for row in boxes}
    read = {case: one.canonical if isinstance(one, Answer) else None for case, one in found.items()}
    assert read == {row["case"]: row["right"] for row in boxes}


def test_runaway_digits_do_not_win(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps({"question_id": "q", "answer": a}) + "\n" for a in ["1" * 150_000] * 3 + ["7"]))
    assert main(["vote", str(path)]) == 0
    vote = json.loads(capfd.readouterr().out)
    assert (vote["winner"], vote["votes"], vote["abstained"]) == ("7", 1, 3)


def test_a_placeholder_abstains_in_every_count() -> None:
    for text in (*sorted(PLACEHOLDERS), "", " ", "[NaN]", "None.", "Infinity"):
        assert is_placeholder(text)
        assert winner_of([text, text, "4"]) == "4"
        assert tally_of([text, "4", text]) == (1, 0)
        (vote,) = votes([("q", text), ("q", "4"), ("q", text)])
        assert (vote.winner, vote.votes, vote.abstained, vote.k) == ("4", 1, 2, 3)


@pytest.mark.parametrize(
    "text", ["0", "-5", "blue", "no", "no solution", "B", "$\\infty$", "<", "x", "1/3", "none of these"]
)
def test_an_answer_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)
    assert winner_of([text, text, "4"]) == text
