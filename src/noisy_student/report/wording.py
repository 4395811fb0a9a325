"""Findings in words: verdicts, what they speak of, and the one sentence that answers the study's question.

Findings and conditions come in as rows of results.json; English goes out. A verdict is never decided here, only said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noisy_student.report.numbers import points, points_interval, size

Row = Mapping[str, Any]

UNITS = {"checkpoints": "these checkpoints", "recipe": "this recipe"}


def rows(results: Row, name: str) -> list[Row]:
    """The list under ``name``, empty where it is missing or null."""
    return list(results.get(name) or ())


def comparison(finding: Row) -> str:
    """The two conditions as they are subtracted.

    >>> comparison({"a": "filtered", "b": "baseline"})
    'filtered - baseline'
    """
    return f"{finding.get('a')} - {finding.get('b')}"


def controls_ran(finding: Row, conditions: Sequence[Row]) -> bool:
    """Whether the gain of ``finding`` was held against every control declared for it (``control_of``), at least one.

    A control needs no control of its own, nor does a condition that learns from true labels only, nor one that learns
    from the same as the other: controls rule out causes other than what is learned from.
    """
    if _same_lessons(finding, conditions):
        return True
    own = [row for row in conditions if row.get("name") == finding.get("a")]
    if any(row.get("control_of") for row in own):
        return True
    learned = [name for row in own for name in row.get("learns_from") or ()]
    if learned and not any(name.startswith("labels.") for name in learned):
        return True
    controls = [row for row in conditions if row.get("control_of") == finding.get("a")]
    return bool(controls) and all(row.get("status") == "done" for row in controls)


def _same_lessons(finding: Row, conditions: Sequence[Row]) -> bool:
    """Whether both conditions learn from the same, so that they differ in how alone."""
    learned = {row.get("name"): row.get("learns_from") for row in conditions}
    return bool(learned.get(finding.get("a"))) and learned.get(finding.get("a")) == learned.get(finding.get("b"))


def verdict_words(finding: Row, conditions: Sequence[Row]) -> str:
    """The verdict of a finding in words, without what it speaks of."""
    if not finding.get("primary"):
        return "exploratory"
    if finding.get("difference") is None:
        return "not measured"
    verdict = finding.get("verdict")
    if verdict == "helps":
        if not controls_ran(finding, conditions):
            return "helps (controls not run)"
        controls = [row for row in conditions if row.get("control_of") == finding.get("a")]
        if _same_lessons(finding, conditions):
            return "helps"
        beyond = all(row.get("beaten") is not False for row in controls)
        return "helps" if beyond else "helps (not beyond its control)"
    if verdict == "no-difference":
        margin = finding.get("margin")
        return "no difference" if margin is None else f"no difference beyond \N{PLUS-MINUS SIGN}{size(margin)}"
    return str(verdict) if verdict else "no verdict"


def unit_words(finding: Row) -> str:
    """What a finding speaks of: this recipe, or no more than these checkpoints."""
    return UNITS.get(str(finding.get("unit")), "")


def sentence(finding: Row, conditions: Sequence[Row]) -> str:
    """One finding as a sentence without a full stop: difference, interval, verdict, and how far it reaches."""
    name = comparison(finding)
    if finding.get("difference") is None:
        return f"{name}: not measured"
    unit = "point" if points(finding["difference"]) in {"+1.0", "-1.0"} else "points"
    start = f"{name}: {points(finding['difference'])} {unit}"
    if finding.get("interval") is not None:
        start += f" {points_interval(finding['interval'])}"
    return f"{start}, {_reach(finding, conditions)}"


def headline(results: Row) -> str:
    """The sentence that answers the study's question, from its first primary finding."""
    primary = primary_findings(results)
    if not primary:
        return "This run has no primary finding: nothing was decided, what follows describes"
    return sentence(primary[0], rows(results, "conditions"))


def primary_findings(results: Row) -> list[Row]:
    """The primary findings, in the study's order."""
    return [finding for finding in rows(results, "findings") if finding.get("primary")]


def _reach(finding: Row, conditions: Sequence[Row]) -> str:
    words, unit, mde = verdict_words(finding, conditions), unit_words(finding), finding.get("mde")
    if finding.get("verdict") == "undecided":
        seen = "" if mde is None else f" (smallest difference seen with 80 % power: {size(mde)})"
        return f"{words} at this size{seen}"
    if not finding.get("primary"):
        return words
    return f"{words} for {unit}" if unit else words
