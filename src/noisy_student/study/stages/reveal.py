"""Key and split → the true labels of the unlabeled questions; the only stage through which truth reaches training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import read_key
from noisy_student.data.rows import read_labels, read_questions, write_labels
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.reveal import reveal
from noisy_student.labeling.noised import noised
from noisy_student.labeling.select import random_labels
from noisy_student.labeling.texts import with_own_texts
from noisy_student.sampling.sample import read_folders

LANE = "gate"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``labels.jsonl``; with samples, the worked solution is an own sample that reaches the true answer.

    ``spec["accuracy"]`` makes only this share of the labels right, among questions that also have a wrong sample.
    Labels in role ``like`` limit the number of revealed questions, chosen at random, to their own.
    """
    part = spec.get("part", "unlabeled")
    questions = read_questions(inputs["split"][0] / f"{part}.jsonl")
    labels = reveal((question.id for question in questions), read_key(inputs["key"][0] / "key.jsonl"))
    if len(labels) < len(questions):
        raise NotTrainable(
            f"The key holds the answers of {len(labels)} of {len(questions)} {part} questions.",
            why="An oracle condition learns from all of these questions.",
            do=f"Give the {part} questions their answers, or leave this condition out.",
            code="answers-unknown",
        )
    unsolved = sum(label.solution is None for label in labels)
    if unsolved and "samples" not in inputs:
        raise NotTrainable(
            f"{unsolved} of {len(labels)} true answers have no worked solution.",
            why="An oracle condition learns from worked solutions of all of these questions.",
            do='Set target = "own-sample" for this condition: own samples that reach the true answer.',
            code="solutions-missing",
        )
    if spec.get("accuracy") is not None:
        labels = noised(
            labels,
            read_folders(inputs["samples"], context.check),
            accuracy=spec["accuracy"],
            run_seed=spec["seed"],
            truncated=spec["truncated"],
        )
    elif "samples" in inputs:
        bare = [replace(label, solution=None) for label in labels]
        labels = with_own_texts(
            bare, read_folders(inputs["samples"], context.check), choice=spec["text"], truncated=spec["truncated"]
        )
        labels = [label for label in labels if label.solution is not None]
    if "like" in inputs:
        like = {label.question_id for label in read_labels(inputs["like"][0] / "labels.jsonl")}
        labels = random_labels(labels, len(like), run_seed=spec["seed"])
    context.check()
    write_labels(context.data / "labels.jsonl", labels)
    return {"questions": len({label.question_id for label in labels}), "labels": len(labels)}
