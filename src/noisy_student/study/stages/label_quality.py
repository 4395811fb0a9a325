"""Votes or labels and the key → accuracy by level of agreement and of the selection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.answer_key import AnswerKey
from noisy_student.answers import math_pool
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import read_key
from noisy_student.data.rows import read_labels
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.label_quality import label_quality, vote_quality
from noisy_student.labeling.vote import read_votes

LANE = "truth"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``quality.json``: the quality of votes, of labels, or of both, by the roles that are given."""
    context.check()
    key = read_key(inputs["key"][0] / "key.jsonl", solutions=False)
    before = math_pool.unknown()
    quality: dict[str, Any] = {}
    if "votes" in inputs:
        path = inputs["votes"][0] / "votes.jsonl"
        _require_truth((vote.question_id for vote in read_votes(path, tallies=False)), key)
        context.check()
        quality["votes"] = asdict(vote_quality(read_votes(path), key, ties_win=spec.get("ties", "none") != "none"))
    if "labels" in inputs:
        labels = read_labels(inputs["labels"][0] / "labels.jsonl")
        _require_truth((label.question_id for label in labels), key)
        quality["labels"] = label_quality(labels, key)
    files.write_json(context.data / "quality.json", quality)
    return {**quality, **math_pool.since(before)}


def _require_truth(question_ids: Iterable[str], key: AnswerKey) -> None:
    unknown = sum(name not in key for name in question_ids)
    if unknown:
        raise NotTrainable(
            f"The key lacks the answers of {unknown} questions that were voted on.",
            why="The quality of labels needs the true answers.",
            do="Give these questions their answers, or ignore the quality of labels.",
            code="answers-unknown",
        )
