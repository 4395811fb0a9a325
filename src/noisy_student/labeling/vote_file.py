"""Votes as a JSONL file; agreement is written for readers and recomputed on reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.records import Vote


def write_votes(path: Path, votes: Iterable[Vote]) -> int:
    """Write one vote a line; returns how many."""
    return files.write_jsonl(path, map(vote_row, votes))


def read_votes(path: Path, *, tallies: bool = True) -> Iterator[Vote]:
    """Stream the votes of a file that this program wrote; without tallies, which take most of a vote's memory."""
    for row in files.read_jsonl(path):
        row.pop("agreement")
        tally = tuple((answer, count) for answer, count in row["tally"]) if tallies else ()
        yield Vote(**{**row, "tally": tally})


def vote_row(vote: Vote) -> dict[str, Any]:
    """The row of one vote, as ``design.md`` section 3 has it; one that a rule stopped also says when and how."""
    stopped = {} if vote.drawn is None else {"drawn": vote.drawn, "stopped": vote.stopped}
    return {
        "question_id": vote.question_id,
        "winner": vote.winner,
        "votes": vote.votes,
        "k": vote.k,
        "abstained": vote.abstained,
        "tied": vote.tied,
        "agreement": None if vote.agreement is None else float(vote.agreement),
        "tally": [list(pair) for pair in vote.tally],
        **stopped,
    }
