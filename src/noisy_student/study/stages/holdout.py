"""Sources → answered questions that no student trains on, and their answers; the answer key is not read."""

from __future__ import annotations

from typing import Any

from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.parts import holdout
from noisy_student.data.rows import write_labels, write_questions
from noisy_student.data.spec import DataSpec
from noisy_student.records import Label


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``holdout.jsonl`` and ``gold.jsonl``; the summary counts dev questions and spare ones."""
    data = DataSpec.model_validate(spec["data"])
    found = holdout(data, run_seed=spec["seed"], paths=spec["paths"], wanted=spec["questions"])
    context.check()
    write_questions(context.data / "holdout.jsonl", (item.question for item in found.items))
    labels = [Label(item.question.id, str(item.answer), None, "gold") for item in found.items]
    write_labels(context.data / "gold.jsonl", labels)
    return {"questions": len(found.items), "dev": len(found.items) - found.spare, "spare": found.spare}
