"""Whether the training side repeats test questions."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, share
from noisy_student.evaluation.preflight.facts import Facts

NAME = "test-overlap"
MANY = 0.05
"""Ours: where more than one in twenty had to be left out, the two files were hardly made apart."""


def judge(facts: Facts) -> Check | None:
    """Fail where a question is left that repeats a test question, warn where many had to be left out."""
    found = facts.overlap
    if found is None:
        return None
    every = found.questions + found.removed
    rate = found.removed / every
    outcome: Result = "fail" if found.left else "warn" if rate > MANY else "pass"
    remedy = (
        "Remove them from the file, and report it: the split should have"
        if found.left
        else "Give a test file that was made apart: --set data.source.test=FILE"
    )
    return Check(
        NAME,
        outcome,
        float(found.left),
        f"{found.left} left, {found.removed} left out",
        f"none left (warn above {MANY:.0%} left out)",
        None if outcome == "pass" else remedy,
        f"of {every:,} questions of the training side {share(found.removed, every)} were left out for repeating a test "
        "question",
    )
