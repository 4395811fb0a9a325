"""Votes and labels of two rounds and the key → the change of labels between the rounds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import read_key
from noisy_student.data.rows import read_labels
from noisy_student.evaluation.label_quality import lineage
from noisy_student.labeling.vote import read_votes

LANE = "truth"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``lineage.json``."""
    context.check()
    ids = [
        {label.question_id for label in read_labels(inputs[role][0] / "labels.jsonl")}
        for role in ("before-labels", "labels")
    ]
    before, now = (read_votes(inputs[role][0] / "votes.jsonl", tallies=False) for role in ("before-votes", "votes"))
    key = read_key(inputs["key"][0] / "key.jsonl", solutions=False)
    found = asdict(lineage(before, now, selected=(ids[0], ids[1]), key=key))
    files.write_json(context.data / "lineage.json", found)
    return found
