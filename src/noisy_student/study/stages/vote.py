"""Samples → one vote per question: extract the answers, tally them, decide the winner or abstain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from noisy_student.answers import math_pool
from noisy_student.context import Context, Inputs, Spec
from noisy_student.labeling.stopping import rule_of
from noisy_student.labeling.vote import ballots, leading_votes, read_votes, stopped_votes, votes, write_votes
from noisy_student.records import Sample, Vote
from noisy_student.sampling.sample import read_folders


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``votes.jsonl``; the summary holds the histogram by level, abstentions, samples and tokens."""
    before = math_pool.unknown()
    path, K = context.data / "votes.jsonl", spec["K"]
    totals = {"labeled": 0, "tied": 0, "abstained": 0, "samples": 0, "tokens": 0}
    # The folders come in the order of k, as first-seen ties need.
    cast = ballots(_read(spec, inputs["samples"], context, totals), truncated=spec["truncated"])
    stopping = spec.get("stopping")
    if stopping is None:
        voted = write_votes(path, votes(cast, k=K, ties=spec["ties"]))
        levels = leading_votes(_counted(read_votes(path, tallies=False), totals), k=K)
        return {"questions": voted, **totals, "levels": [*map(list, enumerate(levels))], **math_pool.since(before)}
    rule = rule_of(stopping["rule"], min_agreement=stopping["min_agreement"], K=K, ties=spec["ties"])
    made = stopped_votes(cast, k=K, rule=rule, ties=spec["ties"])
    # Leading counts of different numbers of samples make no histogram.
    return {"questions": write_votes(path, _counted(made, totals)), **totals, "levels": [], **math_pool.since(before)}


def _read(spec: Spec, folders: Sequence[Path], context: Context, totals: dict[str, int]) -> Iterator[Sample]:
    """Yield and count the samples of the questions that are voted on; a share is the first ones by id."""
    kept: set[str] | None = None
    if spec.get("questions") is not None:
        every = {sample.question_id for sample in read_folders(folders, context.check)}
        kept = set(sorted(every)[: spec["questions"]])
    for sample in read_folders(folders, context.check):
        if kept is None or sample.question_id in kept:
            totals["samples"] += 1
            totals["tokens"] += len(sample.token_ids)
            yield sample


def _counted(ballot: Iterable[Vote], totals: dict[str, int]) -> Iterator[Vote]:
    for vote in ballot:
        totals["labeled"] += vote.winner is not None
        totals["tied"] += vote.tied
        totals["abstained"] += vote.abstained
        yield vote
