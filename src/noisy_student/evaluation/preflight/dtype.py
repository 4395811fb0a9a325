"""Check that the precision of the weights is fine enough for the updates of training."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check
from noisy_student.evaluation.preflight.facts import Facts

NAME = "dtype"
FINE = ("float32", "float64")
"""In half precision an update of a millionth of a weight is lost in rounding."""


def judge(facts: Facts) -> Check | None:
    """Fail for half precision."""
    if facts.dtype is None:
        return None
    fine = facts.dtype in FINE
    return Check(
        NAME,
        "pass" if fine else "fail",
        None,
        facts.dtype,
        "float32 for training",
        None if fine else "--set model.dtype=float32",
        "of the weights as they were loaded",
    )
