"""The choice of one of several students, by the rule in the spec; the chosen one stands for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.grade import grade
from noisy_student.sampling.sample import read_folders

OPTIONAL = ("train-", "dev-")
FORWARDS = "train-"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Forward the chosen one of ``train-0``, ``train-1`` … and write ``choice.json``.

    Raises NotTrainable where no student was trained.
    """
    context.check()
    found = RULES[spec["rule"]](spec, inputs, context)
    files.link_children(inputs[f"train-{found['chosen']}"][0], context.data)
    files.write_json(context.data / "choice.json", found)
    return found


def _best_on_dev(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Choose the learning rate of ``spec["rates"]`` with most right answers in ``dev-0`` …, the first of equals.

    A rate without a student has ``right`` None.
    """
    labels = read_labels(inputs["split"][0] / "dev_gold.jsonl")
    key = AnswerKey({label.question_id: KeyEntry(label.question_id, label.answer) for label in labels})
    tried: list[dict[str, Any]] = []
    for number, rate in enumerate(spec["rates"]):
        context.check()
        tried.append({"rate": rate, "right": None, "n": len(key)})
        if f"dev-{number}" in inputs:
            samples = read_folders(inputs[f"dev-{number}"], context.check)
            right = [row.correct for row in grade(samples, key, truncated=spec["truncated"])]
            tried[-1] |= {"right": sum(right), "n": len(right)}
    trained = [number for number, row in enumerate(tried) if row["right"] is not None]
    if not trained:
        raise NotTrainable(
            f"No student could be trained at any of the rates {spec['rates']}.",
            why="The learning rate is chosen by the accuracy of these students on dev.",
            do="Try lower rates; each training says why it was skipped.",
            code="nothing-to-choose",
        )
    return {"chosen": max(trained, key=lambda number: tried[number]["right"]), "tried": tried}


def _last(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Choose the last student of ``spec["chain"]`` that was trained and not turned down."""
    there = [number for number in range(len(spec["chain"])) if f"train-{number}" in inputs]
    if not there:
        raise NotTrainable(
            f"No student of the chain {', '.join(spec['chain'])} could be trained.",
            why="The first student is never rejected, so its own training was skipped.",
            do="See why its training was skipped.",
            code="nothing-to-choose",
        )
    return {"chosen": there[-1], "name": spec["chain"][there[-1]]}


RULES: Mapping[str, Callable[[Spec, Inputs, Context], dict[str, Any]]] = {
    "best-on-dev": _best_on_dev,
    "last": _last,
}
