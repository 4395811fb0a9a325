"""Samples on test questions and the key → grades, accuracy, and the share of answers that end with a stop token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.answers import math_pool
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.key_file import read_key
from noisy_student.evaluation.grade import grade, stop_rate
from noisy_student.evaluation.pass_at_k import points, tries
from noisy_student.records import Grade
from noisy_student.sampling.sample import read_folders

LANE = "truth"


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``grades.jsonl`` for the compared decoding and ``sampled.jsonl`` for the sampled slice.

    ``passes.jsonl`` holds the tries of each question, if the role ``passes`` is given.
    """
    key = read_key(inputs["key"][0] / "key.jsonl", solutions=False)
    before = math_pool.unknown()
    summary: dict[str, Any] = {}
    for role, name in (("samples", "grades"), ("sampled", "sampled")):
        counts = summary[name] = {"n": 0, "correct": 0, "strict": 0, "truncated": 0}
        grades = grade(read_folders(inputs.get(role, ()), context.check), key, truncated=spec["truncated"])
        files.write_jsonl(context.data / f"{name}.jsonl", map(asdict, _counted(grades, counts)))
    free = list(read_folders(inputs.get("free", ()), context.check))
    summary |= {"stop_rate": stop_rate(free), "stop_n": len(free)}
    if "passes" in inputs:
        samples = read_folders(inputs["passes"], context.check)
        every = tries(grade(samples, key, truncated=spec["truncated"]))
        files.write_jsonl(context.data / "passes.jsonl", map(asdict, every))
        summary["passes"] = {"questions": len(every), "points": points(every)}
    return {**summary, **math_pool.since(before)}


def _counted(grades: Iterable[Grade], counts: dict[str, int]) -> Iterator[Grade]:
    for row in grades:
        counts["n"] += 1
        counts["correct"] += row.correct
        counts["strict"] += row.strict
        counts["truncated"] += row.finish == "length"
        yield row
