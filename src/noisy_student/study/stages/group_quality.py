"""Groups of a GRPO run and the key → informative groups for right and wrong labels apart; for reports only."""

from __future__ import annotations

from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import read_key
from noisy_student.evaluation.label_quality import group_quality

LANE = "truth"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``groups.json``."""
    context.check()
    key = read_key(inputs["key"][0] / "key.jsonl", solutions=False)
    quality = group_quality(files.read_jsonl(inputs["train"][0] / "groups.jsonl"), key)
    files.write_json(context.data / "groups.json", quality)
    return quality
