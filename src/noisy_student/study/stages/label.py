"""Votes and samples → labels with a worked solution: select votes, then take one of the model's own samples.

``random-sample`` takes one own sample per question without a vote. ``random_like`` selects as many at random as
another selection kept, ``agreed_like`` as many with most agreement. ``target`` is a precision: votes on dev give the
threshold that reaches it.
"""

from __future__ import annotations

from typing import Any

from noisy_student.answers.equivalence import same
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels, write_labels
from noisy_student.errors import NotTrainable
from noisy_student.labeling.select import select, selection
from noisy_student.labeling.texts import random_sample, voted_labels, with_own_texts
from noisy_student.labeling.vote import read_votes
from noisy_student.records import Label
from noisy_student.sampling.sample import read_folders
from noisy_student.statistics.calibration import THRESHOLD_ERROR, LevelCounts, least_votes


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``labels.jsonl``."""
    found = {} if spec.get("target") is None else {"min_agreement": _threshold(spec["target"], inputs)}
    labels = _labels({**spec, "select": {**spec.get("select", {}), **found}}, inputs, context)
    write_labels(context.data / "labels.jsonl", labels)
    return {"questions": len({label.question_id for label in labels}), "labels": len(labels), **found}


def _threshold(target: float, inputs: Inputs) -> float:
    """Return the least agreement at which votes on dev reach the precision ``target``; NotTrainable if none does."""
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
            f"On {len(votes)} dev questions no threshold of agreement shows a precision of {target:g}.",
            why=f"A threshold may be less precise with a probability of at most {THRESHOLD_ERROR:.0%}.",
            do="Lower the target, label more questions, or set min_agreement.",
            code="precision-not-shown",
        )
    return least / votes[0].k


def _labels(spec: Spec, inputs: Inputs, context: Context) -> list[Label]:
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
