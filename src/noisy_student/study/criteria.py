"""What somebody expected of the declared comparisons before the run, beside the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from noisy_student.records import Finding
from noisy_student.study.settings import Settings


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
