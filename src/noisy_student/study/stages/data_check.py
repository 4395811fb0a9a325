"""Sources → faults in extracting gold answers, and training questions that repeat a test question."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.overlap import OverlapIndex
from noisy_student.data.parts import parts
from noisy_student.data.spec import DataSpec
from noisy_student.evaluation.preflight.data import read_golds


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``read.json`` with faults in labeled and dev, and up to eight questions that repeat a test question."""
    split = parts(DataSpec.model_validate(spec["data"]), run_seed=spec["seed"], paths=spec["paths"])
    context.check()
    known = [item for item in (*split.labeled, *split.dev) if item.answer is not None]
    reading = read_golds((str(item.answer), item.solution) for item in known)
    context.check()
    index = OverlapIndex(split.test)
    training = (*split.labeled, *split.dev, *split.unlabeled)
    left = [item.question.text for item in training if index.find(item) is not None]
    removed = sum(removal.part == "test" for removal in split.removed)
    found = {"reading": asdict(reading), "removed": removed, "left": len(left), "questions": len(training)}
    files.write_json(context.data / "read.json", {**found, "overlapping": left[:8]})
    return found
