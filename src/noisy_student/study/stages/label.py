"""Votes and samples → labels with a worked text: select, then take one of the model's own samples.

``random-sample`` takes one own sample a question and asks no vote. A selection ``random_like`` draws as many at
random as another selection kept, ``agreed_like`` takes as many of the most agreed. A ``target`` of precision is met by
the threshold that votes on dev show to have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.answers.equivalence import same
from noisy_student.context import Context
from noisy_student.data.rows import read_labels, write_labels
from noisy_student.errors import NotTrainable
from noisy_student.labeling.select import select, selection
from noisy_student.labeling.texts import random_sample, voted_labels, with_own_texts
from noisy_student.labeling.vote import read_votes
from noisy_student.records import Label
from noisy_student.sampling.sample import read_folders
from noisy_student.statistics.calibration import THRESHOLD_ERROR, LevelCounts, least_votes

LIBRARIES: tuple[str, ...] = ()


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``labels.jsonl``."""
    found = {} if spec.get("target") is None else {"min_agreement": _threshold(spec["target"], inputs)}
    labels = _labels({**spec, "select": {**spec.get("select", {}), **found}}, inputs, context)
    write_labels(context.data / "labels.jsonl", labels)
    return {"questions": len({label.question_id for label in labels}), "labels": len(labels), **found}


def _threshold(target: float, inputs: Mapping[str, Sequence[Path]]) -> float:
    """The least share of K from which on votes on dev are right as often as ``target``; NotTrainable if none is."""
    truth = {label.question_id: label.answer for label in read_labels(inputs["split"][0] / "dev_gold.jsonl")}
    votes = list(read_votes(inputs["shown"][0] / "votes.jsonl", tallies=False))
    counts: dict[int, tuple[int, int]] = {}
    for vote in votes:
        right, asked = counts.get(vote.votes, (0, 0))
        if vote.winner is not None:
            counts[vote.votes] = right + same(vote.winner, truth[vote.question_id]), asked + 1
    least = least_votes({count: LevelCounts(*found) for count, found in counts.items()}, target)
    if least is None:
        raise NotTrainable(
            f"No threshold is shown to have a precision of {target:g} by the {len(votes)} dev questions.",
            why=f"At most {THRESHOLD_ERROR:.0%} of thresholds may be less precise; so few questions leave more doubt.",
            do="Ask for less, label more questions, or give a threshold: min_agreement.",
        )
    return least / votes[0].k


def _labels(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> list[Label]:
    if spec["rule"] == "random-sample":
        return random_sample(
            lambda: read_folders(inputs["samples"], context.check), run_seed=spec["seed"], truncated=spec["truncated"]
        )
    rule = dict(spec["select"])
    if "like" in inputs:
        like = read_labels(inputs["like"][0] / "labels.jsonl")
        rule = {spec["like"]: len({label.question_id for label in like})}
    votes = read_votes(inputs["votes"][0] / "votes.jsonl", tallies=False)
    labels = voted_labels(select(votes, selection(rule), run_seed=spec["seed"]))
    return with_own_texts(
        labels, read_folders(inputs["samples"], context.check), choice=spec["text"], truncated=spec["truncated"]
    )
