"""Whether the model is better at questions of the training file, not trained on here, than at test questions.

It should not be: the two differ for it only if it has seen the file before.
"""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, share
from noisy_student.evaluation.preflight.facts import Facts
from noisy_student.statistics.unpaired import newcombe, pooled_p

NAME = "pool-against-test"
LEVEL, SURE = 0.05, 0.001
"""Two-sided p of two proportions (pooled z)."""


def judge(facts: Facts) -> Check | None:
    """Warn where the training file is surely easier, fail where it is beyond doubt."""
    found = facts.gap
    if found is None or not found.pool or not found.test:
        return None
    p = pooled_p(found.pool_right, found.pool, found.test_right, found.test)
    difference = found.pool_right / found.pool - found.test_right / found.test
    interval = newcombe(found.pool_right, found.pool, found.test_right, found.test)
    easier = difference > 0
    outcome: Result = "fail" if easier and p <= SURE else "warn" if easier and p <= LEVEL else "pass"
    return Check(
        NAME,
        outcome,
        difference,
        f"{100 * difference:+.1f} points [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}], p = {p:.2g}",
        f"not above 0 with p at most {LEVEL:g} (fail at {SURE:g})",
        None if outcome == "pass" else "The training file may be memorised: take questions that were made later",
        f"{share(found.pool_right, found.pool)} of {found.pool} questions of the training file, "
        f"{share(found.test_right, found.test)} of {found.test} test questions, greedy; this check reads test answers",
    )
