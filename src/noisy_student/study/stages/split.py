"""Sources → the questions of each part and the gold labels of labeled and dev; no other truth."""

from __future__ import annotations

from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.parts import parts
from noisy_student.data.rows import write_labels, write_questions
from noisy_student.data.spec import DataSpec
from noisy_student.data.splits import dev_labels, gold_labels, manifest, views

PARTS = ("labeled", "dev", "unlabeled", "test")


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``labeled``, ``dev``, ``unlabeled``, ``test``, ``gold`` and ``dev_gold`` as JSONL, and the manifest.

    Questions from files keep their ``own_id`` and their ``row`` there, for outputs; no stage reads these.

    ``views`` holds other wordings of training questions, ``foreign`` the foreign questions, if the data spec has them;
    the answers of both go to the key only.
    """
    data = DataSpec.model_validate(spec["data"])
    split = parts(data, run_seed=spec["seed"], paths=spec["paths"])
    context.check()
    items = {part: getattr(split, part) for part in PARTS}
    if split.foreign is not None:
        items["foreign"] = split.foreign.items
    for part, of_part in items.items():
        origins = {item.question.id: item.origin for item in of_part}
        write_questions(context.data / f"{part}.jsonl", (item.question for item in of_part), origins)
    write_labels(context.data / "gold.jsonl", gold_labels(split))
    write_labels(context.data / "dev_gold.jsonl", dev_labels(split))
    if data.views:
        write_questions(context.data / "views.jsonl", views(split))
    summary = manifest(split)
    files.write_json(context.data / "manifest.json", summary)
    return {**summary, "removed": len(summary["removed"])}
