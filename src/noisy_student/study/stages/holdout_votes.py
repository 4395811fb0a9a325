"""Samples on holdout questions → counts of correct votes, readable answers and cut answers, and answer lengths."""

from __future__ import annotations

from typing import Any

from noisy_student import files
from noisy_student.answers.equivalence import same
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels
from noisy_student.labeling.vote import ballots, votes
from noisy_student.sampling.sample import read_folders

PERCENTILE = 0.99


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``votes.json``; with K = 1 the vote is the answer itself, so its share of correct votes is the accuracy."""
    gold = {label.question_id: label.answer for label in read_labels(inputs["holdout"][0] / "gold.jsonl")}
    samples = list(read_folders(inputs["samples"], context.check))
    cast = list(ballots(samples, truncated=spec["truncated"]))
    made = list(votes(cast, k=spec["K"], ties=spec["ties"]))
    agreed = [vote for vote in made if vote.votes == spec["K"] and vote.winner is not None]
    ended = sorted(len(sample.token_ids) for sample in samples if sample.finish in ("eos", "answer"))
    found = {
        "K": spec["K"],
        "questions": len(made),
        "right": sum(_right(vote.winner, gold[vote.question_id]) for vote in made),
        "unanimous": len(agreed),
        "unanimous_right": sum(_right(vote.winner, gold[vote.question_id]) for vote in agreed),
        "samples": len(samples),
        "readable": sum(answer is not None for _, answer in cast),
        "cut": sum(sample.finish == "length" for sample in samples),
        "longest_ended": ended[-1] if ended else None,
        "p99_ended": ended[min(len(ended) - 1, int(PERCENTILE * len(ended)))] if ended else None,
    }
    files.write_json(context.data / "votes.json", found)
    return found


def _right(answer: str | None, gold: str) -> bool:
    return answer is not None and same(answer, gold)
