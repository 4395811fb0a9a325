"""Whether the samples hold an answer that can be read: one without can only abstain."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, share
from noisy_student.evaluation.preflight.facts import Facts

NAME = "answer-parsing"
GOOD, POOR = 0.9, 0.5
"""Ours: at .9 a vote of 8 lacks less than one answer; below a half most of what is paid for is lost."""


def judge(facts: Facts) -> Check | None:
    """Pass from nine in ten on, fail below a half, warn between."""
    if not facts.votes:
        return None
    samples = sum(vote.samples for vote in facts.votes[-1:])
    readable = sum(vote.readable for vote in facts.votes[-1:])
    rate = readable / samples
    outcome: Result = "pass" if rate >= GOOD else "warn" if rate >= POOR else "fail"
    cut = facts.votes[-1].cut
    remedy = "Say the answer's form: --set prompt.instruction='End with #### followed by the number.'"
    if cut > (samples - readable) / 2:
        remedy = "Most of the others were cut: see truncation"
    return Check(
        NAME,
        outcome,
        rate,
        share(readable, samples),
        f"at least {GOOD:.0%} (fail below {POOR:.0%})",
        None if outcome == "pass" else remedy,
        f"{readable:,} of {samples:,} samples hold an answer that can be read",
    )
