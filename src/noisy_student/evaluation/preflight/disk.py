"""Whether the run's checkpoints fit on the disk."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, size
from noisy_student.evaluation.preflight.facts import Facts

NAME = "disk"
TIGHT = 0.8
"""Ours: samples, curves and the cache of a converted model come on top."""


def judge(facts: Facts) -> Check | None:
    """Fail where more would be written than is free, warn above four fifths of it."""
    found = facts.disk
    if found is None:
        return None
    load = found.expected / found.free if found.free else float("inf")
    outcome: Result = "fail" if load > 1 else "warn" if load > TIGHT else "pass"
    return Check(
        NAME,
        outcome,
        float(found.expected),
        f"{size(found.expected)} of {size(found.free)} free",
        f"at most {TIGHT:.0%} of what is free (fail above all of it)",
        None if outcome == "pass" else "noisy-student gc --delete, another --store, or fewer --seeds",
        f"{found.students} students to be trained, and the state of one in training",
    )
