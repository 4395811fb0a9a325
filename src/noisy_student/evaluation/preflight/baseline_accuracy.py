"""Whether the trained baseline is neither hopeless nor finished: votes of either teach nothing."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, with_interval
from noisy_student.evaluation.preflight.facts import Facts
from noisy_student.statistics.intervals import wilson

NAME = "baseline-accuracy"
LOW, HIGH = 0.20, 0.70
"""The plan's range, "Pre-flight Checks", 1."""
EASIER = "Easier questions (--data FILE, or fewer data.source.steps) or a stronger model: --model MODEL"
HARDER = "Harder questions (--data FILE, or more data.source.steps): little is left to learn here"


def judge(facts: Facts) -> Check | None:
    """Pass with an accuracy in the range, fail where the whole interval lies outside, unsure where it crosses a bound.

    >>> from noisy_student.evaluation.preflight.facts import Votes
    >>> judge(Facts(baseline=Votes(1, 100, 15, 100, 99, 0, 60, 70))).outcome
    'unsure'
    """
    found = facts.baseline
    if found is None or not found.questions:
        return None
    accuracy, interval = found.right / found.questions, wilson(found.right, found.questions)
    outcome: Result = "pass"
    if interval.high < LOW or interval.low > HIGH:
        outcome = "fail"
    elif interval.low < LOW or interval.high > HIGH:
        outcome = "unsure"
    remedy = EASIER if accuracy < (LOW + HIGH) / 2 else HARDER
    if outcome == "unsure":
        more = 4 * found.questions
        remedy = f"--set checks.questions={more} makes the interval half as wide. {remedy}"
    return Check(
        NAME,
        outcome,
        accuracy,
        with_interval(found.right, found.questions, interval),
        f"{LOW:.0%} to {HIGH:.0%}",
        None if outcome == "pass" else remedy,
        f"greedy answers of the baseline to {facts.asked}",
    )
