"""Votes and examples as files."""

from __future__ import annotations

import json

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.labeling.examples import read_examples, write_examples
from noisy_student.labeling.vote import read_votes, vote_row, votes, write_votes
from noisy_student.records import Example


def test_the_row_of_a_vote_is_the_contract():
    (vote,) = votes([("q", "8"), ("q", "7"), ("q", "8"), ("q", None)])
    assert vote_row(vote) == {
        "question_id": "q",
        "winner": "8",
        "votes": 2,
        "k": 4,
        "abstained": 1,
        "tied": False,
        "agreement": 0.5,
        "tally": [["8", 2], ["7", 1]],
    }


def test_no_winner_is_null(tmp_path):
    write_votes(tmp_path / "votes.jsonl", votes([("q", None)]))
    row = json.loads((tmp_path / "votes.jsonl").read_text())
    assert (row["winner"], row["votes"], row["tally"], row["agreement"]) == (None, 0, [], 0.0)


answers = st.sampled_from(["7", "8", "1/3", "-0.75", None])


@examples(40)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), answers), max_size=20), ties=st.sampled_from(["none", "first-seen"])
)
def test_votes_come_back_exactly(tmp_path_factory, rows, ties):
    path = tmp_path_factory.mktemp("votes") / "votes.jsonl"
    made = list(votes(rows, ties=ties))
    assert write_votes(path, made) == len(made)
    read = list(read_votes(path))
    assert read == made
    assert [vote.agreement for vote in read] == [vote.agreement for vote in made]


def test_examples_come_back_exactly(tmp_path):
    made = [Example("a", "3+4=7\n#### 7"), Example("b", "“quoted” \u2028 é \t#### 1"), Example("c", "")]
    assert write_examples(tmp_path / "examples.jsonl", made) == 3
    assert read_examples(tmp_path / "examples.jsonl") == made
    assert len((tmp_path / "examples.jsonl").read_bytes().splitlines()) == 3


def test_nothing_written_is_an_empty_file(tmp_path):
    assert write_examples(tmp_path / "examples.jsonl", []) == 0
    assert read_examples(tmp_path / "examples.jsonl") == []
