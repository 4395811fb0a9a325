"""Verdicts, their scope and the headline in words, from the findings and conditions of results.json.

Verdicts are made in ``evaluation``; this module only words them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noisy_student.report.numbers import p_value, points, points_interval, size

Row = Mapping[str, Any]

UNITS = {"checkpoints": "these checkpoints", "recipe": "this recipe"}


def rows(results: Row, name: str) -> list[Row]:
    """Return the list under ``name``, empty if it is missing or null."""
    return list(results.get(name) or ())


def heading(results: Row) -> str:
    """Return the model, the number of questions in each part, the scale and K in one line.

    >>> sizes = {"labeled": 120, "dev": 30, "unlabeled": 583, "test": 150}
    >>> heading({"model": "lab-m", "scale": "lab", "data": {"sizes": sizes}})
    'lab-m \N{MIDDLE DOT} 120 labeled, 30 dev, 583 unlabeled, 150 test \N{MIDDLE DOT} scale lab'
    """
    data, settings = (found if isinstance(found := results.get(name), Mapping) else {} for name in ("data", "settings"))
    sizes = data.get("sizes") or data.get("counts") or {}
    ks = dict.fromkeys(str(label.get("K")) for label in (settings.get("labels") or {}).values() if label.get("K"))
    words = (
        results.get("model"),
        ", ".join(f"{number:,} {part}" for part, number in sizes.items()),
        results.get("scale") and f"scale {results['scale']}",
        ks and f"K = {', '.join(ks)}",
    )
    return " \N{MIDDLE DOT} ".join(str(word) for word in words if word)


def comparison(finding: Row) -> str:
    """Return the comparison as "first - second".

    >>> comparison({"a": "filtered", "b": "baseline"})
    'filtered - baseline'
    """
    return f"{finding.get('a')} - {finding.get('b')}"


def controls_of(finding: Row, conditions: Sequence[Row]) -> dict[str, Row]:
    """Return the controls of a finding's first condition: ``done`` and ``beaten`` by name, over all seeds."""
    found: dict[str, dict[str, bool]] = {}
    for row in conditions:
        if row.get("control_of") == finding.get("a"):
            kept = found.setdefault(str(row.get("name")), {"done": True, "beaten": True})
            kept["done"] &= row.get("status") == "done"
            kept["beaten"] &= row.get("beaten") is True
    return dict(found)


def needs_controls(finding: Row, conditions: Sequence[Row]) -> bool:
    """Return whether a claimed gain requires controls, which rule out causes other than the training labels.

    It does not if the condition learns from gold labels only, if both conditions learn from the same labels, or if two
    differences are compared: the second is then the control.
    """
    # Names of differences are in brackets, which no condition's name has.
    if _same_lessons(finding, conditions) or str(finding.get("a")).startswith("("):
        return False
    learned = [name for row in _own(finding, conditions) for name in row.get("learns_from") or ()]
    return not learned or any(name.startswith("labels.") for name in learned)


def _own(finding: Row, conditions: Sequence[Row]) -> list[Row]:
    return [row for row in conditions if row.get("name") == finding.get("a")]


def _gain_words(finding: Row, conditions: Sequence[Row]) -> str:
    """Return the claim that the controls allow: over all, over some by name, or untested."""
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
    """Return whether both conditions learn from the same labels, so that they differ in the method only."""
    learned = {row.get("name"): row.get("learns_from") for row in conditions}
    return bool(learned.get(finding.get("a"))) and learned.get(finding.get("a")) == learned.get(finding.get("b"))


def verdict_words(finding: Row, conditions: Sequence[Row]) -> str:
    """Return the verdict of a finding in words, without its scope."""
    if not finding.get("primary"):
        return "exploratory"
    if finding.get("difference") is None:
        return "not measured"
    if finding.get("withheld"):
        return "withheld"
    verdict = finding.get("verdict")
    if verdict == "helps":
        return _gain_words(finding, conditions)
    if verdict == "no-difference":
        margin = finding.get("margin")
        return "no difference" if margin is None else f"no difference beyond \N{PLUS-MINUS SIGN}{size(margin)}"
    return str(verdict) if verdict else "no verdict"


def unit_words(finding: Row) -> str:
    """Return the scope of a finding: this recipe, or these checkpoints only."""
    return UNITS.get(str(finding.get("unit")), "")


def sentence(finding: Row, conditions: Sequence[Row]) -> str:
    """Return a finding as a sentence without a full stop: difference, interval, verdict and scope."""
    name = comparison(finding)
    if finding.get("difference") is None:
        return f"{name}: not measured"
    unit = "point" if points(finding["difference"]) in {"+1.0", "-1.0"} else "points"
    start = f"{name}: {points(finding['difference'])} {unit}"
    if finding.get("interval") is not None:
        start += f" {points_interval(finding['interval'])}"
    return f"{start}, {_reach(finding, conditions)}"


def headline(results: Row) -> str:
    """Return the first primary finding as a sentence, which answers the study's question."""
    primary = primary_findings(results)
    if not primary:
        return "This run has no primary finding; all results are exploratory"
    return sentence(primary[0], rows(results, "conditions"))


def primary_findings(results: Row) -> list[Row]:
    """Return the primary findings, in the study's order."""
    return [finding for finding in rows(results, "findings") if finding.get("primary")]


def _reach(finding: Row, conditions: Sequence[Row]) -> str:
    if finding.get("withheld") and finding.get("primary"):
        return f"no verdict: {finding['withheld']}"
    words, unit, mde = verdict_words(finding, conditions), unit_words(finding), finding.get("mde")
    if finding.get("verdict") == "undecided":
        interval, p = finding.get("interval"), finding.get("p_adjusted")
        if interval is not None and interval[0] * interval[1] > 0 and p is not None:
            # The interval is not corrected, the verdict is.
            return f"{words}: p = {p_value(p)} after correction for the study's comparisons"
        seen = "" if mde is None else f" (minimum detectable effect with 80 % power: {size(mde)})"
        return f"{words} at this sample size{seen}"
    if not finding.get("primary"):
        return words
    return f"{words} for {unit}" if unit else words
