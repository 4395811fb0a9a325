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


def controls_of(finding: Row, conditions: Sequence[Row]) -> dict[str, Row]:
    """The controls of the condition of a gain by name, each with ``done`` and ``beaten``, over all of its seeds."""
    found: dict[str, dict[str, bool]] = {}
    for row in conditions:
        if row.get("control_of") == finding.get("a"):
            kept = found.setdefault(str(row.get("name")), {"done": True, "beaten": True})
            kept["done"] &= row.get("status") == "done"
            kept["beaten"] &= row.get("beaten") is True
    return dict(found)


def needs_controls(finding: Row, conditions: Sequence[Row]) -> bool:
    """Whether a gain may have a cheaper cause than the one it is claimed for, so that controls must rule it out.

    Not that of a condition that learns from true labels only, nor of one that learns from the same as the other:
    controls rule out causes other than what is learned from. A difference of two differences has the second for one.
    """
    if _same_lessons(finding, conditions) or _of_pairs(finding):
        return False
    learned = [name for row in _own(finding, conditions) for name in row.get("learns_from") or ()]
    return not learned or any(name.startswith("labels.") for name in learned)


def _of_pairs(finding: Row) -> bool:
    """Whether it compares differences: those are named in brackets, which no condition's name has."""
    return str(finding.get("a")).startswith("(")


def _own(finding: Row, conditions: Sequence[Row]) -> list[Row]:
    return [row for row in conditions if row.get("name") == finding.get("a")]


def _gain_words(finding: Row, conditions: Sequence[Row]) -> str:
    """A gain as it may be claimed: over every control, over some of them by name, or over none that was run."""
    if any(row.get("control_of") for row in _own(finding, conditions)):
        return "better (itself a control, so no claim)"
    if not needs_controls(finding, conditions):
        return "helps"
    controls = controls_of(finding, conditions)
    if not any(control["done"] for control in controls.values()):
        return "helps (controls not run)"
    lost = [name for name, control in controls.items() if control["done"] and not control["beaten"]]
    absent = [name for name, control in controls.items() if not control["done"]]
    if not lost and not absent:
        return "helps"
    count, noun = len(controls), "control" if len(controls) == 1 else "controls"
    named = [f"{what} {', '.join(names)}" for what, names in (("not", lost), ("not run:", absent)) if names]
    return f"helps (beats {count - len(lost) - len(absent)} of {count} {noun}: {'; '.join(named)})"


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
        return _gain_words(finding, conditions)
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
