"""Samples → one vote a question: extract every answer, tally, decide the winner or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.labeling.vote import ballots, levels, votes
from noisy_student.labeling.vote_file import read_votes, write_votes
from noisy_student.records import Vote
from noisy_student.sampling.sample_file import read_folders

LIBRARIES: tuple[str, ...] = ()


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``votes.jsonl``; the summary holds the histogram by level and what abstained."""
    path = context.data / "votes.jsonl"
    # The folders come in the order of k, as first-seen ties need.
    cast = ballots(read_folders(inputs["samples"], context.check), truncated=spec["truncated"])
    count = write_votes(path, votes(cast, k=spec["K"], ties=spec["ties"]))
    totals = {"labeled": 0, "tied": 0, "abstained": 0}
    histogram = levels(_counted(read_votes(path, tallies=False), totals), k=spec["K"])
    return {"questions": count, **totals, "levels": [[level.votes, level.questions] for level in histogram]}


def _counted(ballot: Iterable[Vote], totals: dict[str, int]) -> Iterator[Vote]:
    for vote in ballot:
        totals["labeled"] += vote.winner is not None
        totals["tied"] += vote.tied
        totals["abstained"] += vote.abstained
        yield vote
