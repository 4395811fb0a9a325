"""Whether a condition is better than what was made to rule out cheaper causes of its gain."""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.records import Finding
from noisy_student.statistics.power import ALPHA
from noisy_student.study.settings import Settings


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
