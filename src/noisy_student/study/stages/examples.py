"""Labels → the examples of one student; the bytes hold no trace of the labels' source."""

from __future__ import annotations

from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_learned
from noisy_student.labeling.examples import examples, write_examples
from noisy_student.labeling.shuffle import others_rationales
from noisy_student.labeling.texts import with_own_texts
from noisy_student.sampling.sample import read_folders


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``examples.jsonl`` from the roles ``gold`` (a split) and ``labels``; the summary holds its sha256.

    It counts gold labels, and those without a worked text, which training leaves out.
    A gold answer without a worked solution takes the first sample in role ``own`` that reaches it. Shuffled rationales
    replace those of all but gold labels.
    """
    labels = read_learned(inputs)
    if "own" in inputs:
        bare = [label for label in labels if label.origin == "gold" and label.solution is None]
        labels = [label for label in labels if label.origin != "gold" or label.solution is not None]
        labels += with_own_texts(bare, read_folders(inputs["own"], context.check), truncated=spec["truncated"])
    gold = {label.question_id: label.solution for label in labels if label.origin == "gold"}
    moved = others_rationales(labels, run_seed=spec["seed"]) if spec.get("shuffle") == "rationale" else None
    made = examples(labels if moved is None else moved.labels)
    path = context.data / "examples.jsonl"
    write_examples(path, made.rows)
    return {
        "examples": len(made.rows),
        "without_solution": made.without_solution,
        "gold": {"questions": len(gold), "without_text": list(gold.values()).count(None)},
        "sha256": files.sha256_file(path),
        **({} if moved is None else {"shuffled": moved.shuffled, "kept": moved.kept, "equal": moved.equal}),
    }
