"""Samples on test questions and the key → grades, accuracy, and the share of answers that end with a stop token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.answers import math_pool
from noisy_student.context import Context
from noisy_student.data.key_file import read_key
from noisy_student.evaluation.grade import grade, stop_rate
from noisy_student.evaluation.pass_at_k import points, tries
from noisy_student.records import Grade
from noisy_student.sampling.sample import read_folders

LIBRARIES: tuple[str, ...] = ()
LANE = "truth"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``grades.jsonl`` for the compared decoding and ``sampled.jsonl`` for the sampled slice.

    ``passes.jsonl`` holds the tries of each question, if the role ``passes`` is given.
    """
    key = read_key(inputs["key"][0] / "key.jsonl", solutions=False)
    before = math_pool.unknown()
    summary: dict[str, Any] = {}
    for role, name in (("samples", "grades"), ("sampled", "sampled")):
        counts = {"n": 0, "correct": 0, "strict": 0, "truncated": 0}
        graded = grade(read_folders(inputs.get(role, ()), context.check), key, truncated=spec["truncated"])
        files.write_jsonl(context.data / f"{name}.jsonl", map(asdict, _counted(graded, counts)))
        summary[name] = counts
    free = list(read_folders(inputs.get("free", ()), context.check))
    summary |= {"stop_rate": stop_rate(free), "stop_n": len(free)}
    if "passes" not in inputs:
        return {**summary, **math_pool.since(before)}
    samples = read_folders(inputs["passes"], context.check)
    every = tries(grade(samples, key, truncated=spec["truncated"]))
    files.write_jsonl(context.data / "passes.jsonl", map(asdict, every))
    return {**summary, "passes": {"questions": len(every), "points": points(every)}, **math_pool.since(before)}


def _counted(grades: Iterable[Grade], counts: dict[str, int]) -> Iterator[Grade]:
    for row in grades:
        counts["n"] += 1
        counts["correct"] += row.correct
        counts["strict"] += row.strict
        counts["truncated"] += row.finish == "length"
        yield row
