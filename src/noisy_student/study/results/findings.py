"""What somebody expected of the declared comparisons before the run, beside the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from noisy_student.records import Finding
from noisy_student.statistics.power import ALPHA
from noisy_student.study.settings.study import Settings


def criteria(settings: Settings, findings: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """A row for each primary comparison with an expectation, in their order; ``answer`` is None where none was made.

    The answer is ``held``, ``failed`` or ``unsure``.
    """
    made = {finding.name: finding for finding in findings if finding.primary}
    for name, declared in settings.primary.items():
        if declared.expected is None:
            continue
        finding = made.get(name)
        yield {
            "name": name,
            **declared.model_dump(mode="json"),
            # Of a difference of differences these are the pairs.
            **({} if finding is None else {"a": finding.a, "b": finding.b}),
            "difference": None if finding is None else finding.difference,
            "interval": None if finding is None else finding.interval,
            "verdict": None if finding is None else finding.verdict,
            "answer": None if finding is None else _answer(declared.expected, finding),
        }


def _answer(expected: str, finding: Finding) -> str:
    if finding.verdict == expected:
        return "held"
    if expected != "no-difference":
        return "unsure" if finding.verdict == "undecided" else "failed"
    # A certain difference may still be within the margin: only one that lies outside of it is no equivalence.
    if finding.interval is None or finding.margin is None:
        return "unsure"
    low, high = finding.interval
    return "failed" if low > finding.margin or high < -finding.margin else "unsure"


def beaten(settings: Settings, findings: Sequence[Finding]) -> dict[str, bool | None]:
    """For each control whether its condition is better by the same test; None where nothing was measured.

    Of several Findings of a pair the first counts, which from three seeds on is the one that speaks of the recipe.
    """
    found: dict[str, bool | None] = {}
    for name, condition in settings.conditions.items():
        if condition.control_of is not None:
            pair = (condition.control_of, name)
            finding = next((finding for finding in findings if {finding.a, finding.b} == set(pair)), None)
            found[name] = None if finding is None else _better(finding, condition.control_of)
    return found


def _better(finding: Finding, name: str) -> bool | None:
    """Whether ``name`` is the better one of the two, whichever of them the comparison names first."""
    if finding.difference is None or finding.p_adjusted is None:
        return None
    gain = finding.difference if finding.a == name else -finding.difference
    return gain > 0 and finding.p_adjusted <= ALPHA
