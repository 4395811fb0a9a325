"""Judgements of what was expected before a run: criteria of comparisons, predictions of shares, and controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from noisy_student.records import Finding
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.power import ALPHA

Held = Literal["held", "failed", "unsure"]


def criterion_answer(expected: str, finding: Finding) -> Held:
    """Judge a finding against the verdict that was expected of its comparison.

    A verdict that is neither the expected one nor "undecided" fails the criterion. Equivalence fails only where the
    95 % interval lies outside the margin, since a certain difference may still be within it.
    """
    if finding.verdict == expected:
        return "held"
    if expected != "no-difference":
        return "unsure" if finding.verdict == "undecided" else "failed"
    if finding.interval is None or finding.margin is None:
        return "unsure"
    low, high = finding.interval
    return "failed" if low > finding.margin or high < -finding.margin else "unsure"


def prediction_answer(interval: Interval, *, above: float | None, below: float | None) -> Held:
    """Judge a share against its one bound: ``held`` or ``failed`` where the whole interval lies on one side."""
    if above is not None:
        return "held" if interval.low > above else "failed" if interval.high <= above else "unsure"
    assert below is not None, "a prediction has one bound"
    return "held" if interval.high < below else "failed" if interval.low >= below else "unsure"


def beats_control(condition: str, control: str, findings: Sequence[Finding]) -> bool | None:
    """Return whether ``condition`` is better than its control by the test of the pair; None without a p value.

    Of several findings of the pair the first counts: from three seeds on it is the one about the recipe.
    """
    finding = next((finding for finding in findings if {finding.a, finding.b} == {condition, control}), None)
    if finding is None or finding.difference is None or finding.p_adjusted is None:
        return None
    gain = finding.difference if finding.a == condition else -finding.difference
    return gain > 0 and finding.p_adjusted <= ALPHA
