"""Students of one condition at several learning rates → the one that is best on dev, as if it were the only one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.context import Context
from noisy_student.data.rows import read_labels
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.grade import grade
from noisy_student.sampling.sample import read_folders

LIBRARIES: tuple[str, ...] = ()
OPTIONAL = ("train-", "dev-")
FORWARDS = "train-"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Hand on all that the best student's training wrote, and ``tried.json``; of equals the first.

    ``spec["rates"]`` are the factors in the order of the inputs ``train-0``, ``dev-0`` and so on. A rate at which no
    student could be trained is not chosen, and has ``right`` None; raises NotTrainable where that is so of all.
    """
    labels = read_labels(inputs["split"][0] / "dev_gold.jsonl")
    key = AnswerKey({label.question_id: KeyEntry(label.question_id, label.answer) for label in labels})
    tried = []
    for number, rate in enumerate(spec["rates"]):
        context.check()
        if f"dev-{number}" not in inputs:
            tried.append({"rate": rate, "right": None, "n": len(key)})
            continue
        samples = read_folders(inputs[f"dev-{number}"], context.check)
        right = [row.correct for row in grade(samples, key, truncated=spec["truncated"])]
        tried.append({"rate": rate, "right": sum(right), "n": len(right)})
    trained = [number for number, row in enumerate(tried) if row["right"] is not None]
    if not trained:
        raise NotTrainable(
            f"At none of the rates {spec['rates']} could a student be trained.",
            why="There is none to choose.",
            do="Try lower rates; each training says why it was skipped.",
        )
    chosen = max(trained, key=lambda number: tried[number]["right"])
    files.link_children(inputs[f"train-{chosen}"][0], context.data)
    files.write_json(context.data / "tried.json", tried)
    return {"chosen": chosen, "tried": tried}
