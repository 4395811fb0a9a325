"""Sources → the answer key of dev, unlabeled and test; read by reveal, grade and label-quality only."""

from __future__ import annotations

from typing import Any

from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import write_key
from noisy_student.data.parts import parts
from noisy_student.data.spec import DataSpec
from noisy_student.data.splits import answer_key

LANE = "key"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``key.jsonl`` from a split made again from the same spec, so that no answer is in the split stage."""
    split = parts(DataSpec.model_validate(spec["data"]), run_seed=spec["seed"], paths=spec["paths"])
    context.check()
    return {"answers": write_key(context.data / "key.jsonl", answer_key(split))}
