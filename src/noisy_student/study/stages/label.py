"""Votes and samples → labels with a worked text: select, then take one of the model's own samples.

``random-sample`` takes one own sample a question and asks no vote. A selection ``random_like`` draws as many at
random as another selection kept, ``agreed_like`` takes as many of the most agreed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.data.rows import read_labels, write_labels
from noisy_student.labeling.select import Selection, select
from noisy_student.labeling.texts import random_sample, voted_labels, with_own_texts
from noisy_student.labeling.vote_file import read_votes
from noisy_student.records import Label
from noisy_student.sampling.sample_file import read_folders

LIBRARIES: tuple[str, ...] = ()


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``labels.jsonl``."""
    labels = _labels(spec, inputs, context)
    write_labels(context.data / "labels.jsonl", labels)
    return {"questions": len({label.question_id for label in labels}), "labels": len(labels)}


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
    labels = voted_labels(select(votes, Selection.model_validate(rule), run_seed=spec["seed"]))
    return with_own_texts(
        labels, read_folders(inputs["samples"], context.check), choice=spec["text"], truncated=spec["truncated"]
    )
