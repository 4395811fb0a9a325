"""One page that needs nothing else: a results document and loss curves in, the text of ``report.html`` out.

No script, no request, no link to elsewhere: the page carries its own content security policy, and everything that came
from files or models passes ``clean`` and the template's autoescape. Only our own drawings are markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from noisy_student.report import plots
from noisy_student.report.clean import clean
from noisy_student.report.numbers import DASH, count, duration, minus, percent
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.tables.expectations import criteria_table, decision_table, next_step, predictions_table
from noisy_student.report.tables.findings import (
    conditions_table,
    findings_table,
    gap_table,
    labels_table,
    methods_table,
    runs_table,
)
from noisy_student.report.tables.labels import (
    Histogram,
    costs_table,
    curves_table,
    forecast_table,
    histograms,
    selections_table,
)
from noisy_student.report.tables.preflight import counted, preflight_table
from noisy_student.report.tables.probes import answer, before_after_table, recommendations, rungs_table
from noisy_student.report.tables.rounds import gains_table, passes_table, rounds_table
from noisy_student.report.tables.training import capacity_table, groups_table, health_table, misleading
from noisy_student.report.wording import Row, primary_findings, rows, sentence

TEMPLATES = Path(__file__).parent / "templates"
# Widths in CSS pixels of the text column on a desktop and on a phone of 390.
WIDE, NARROW = 880, 342
FEW_POINTS = 4
"""Points of a curve up to K = 8."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in two widths, of which the page shows one, and its caption."""

    wide: Markup
    narrow: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class Labeling:
    """The drawing of one set of labels and the same numbers as a table."""

    name: str
    drawing: Drawing
    table: Table


def render(results: Row, curves: Mapping[str, Sequence[Row]]) -> str:
    """The whole page as text; equal input gives equal text."""
    results, curves = clean(dict(results)), clean({name: list(curve) for name, curve in curves.items() if curve})
    conditions = rows(results, "conditions")
    primary = primary_findings(results)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            results=results,
            title=results.get("question") or (f"Study {results['study']}" if results.get("study") else "A run"),
            facts=_facts(results),
            headline=answer(results),
            verdict=str((primary[0] if primary else {}).get("verdict") or "none"),
            others=[(sentence(finding, conditions), finding.get("verdict") or "none") for finding in primary[1:]],
            preflight=preflight_table(results),
            checked=counted(results),
            findings=findings_table(results),
            methods=methods_table(results),
            gap=gap_table(results),
            conditions=conditions_table(results),
            runs=runs_table(results),
            labels=labels_table(results),
            selections=selections_table(results),
            criteria=criteria_table(results),
            decision=decision_table(results),
            following=next_step(results),
            predictions=predictions_table(results),
            more_samples=curves_table(results),
            vote_curve=_vote_curve(results),
            costs=costs_table(results),
            forecast=forecast_table(results),
            forest=_forest(results),
            accuracy=_accuracy(results),
            labelings=[_labeling(each, number) for number, each in enumerate(histograms(rows(results, "labels")))],
            losses=_losses(curves),
            rollouts=_rollouts(curves),
            groups=groups_table(results),
            capacity=capacity_table(results),
            health=health_table(results),
            rungs=rungs_table(results),
            before_after=before_after_table(results),
            rounds=rounds_table(results),
            passes=passes_table(results),
            gains=gains_table(results),
            recommendations=list(recommendations(results)),
            misleading=misleading(results),
            protocol=_protocol(results),
            versions=sorted((results.get("versions") or {}).items()),
            notes=rows(results, "notes"),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = minus
    return environment


def _draw(plot: Callable[[int], str], caption: str) -> Drawing:
    # Markup is safe here alone: svg.embed serialised it from a tree, so every text in it is escaped.
    return Drawing(Markup(plot(WIDE)), Markup(plot(NARROW)), caption)


def _forest(results: Row) -> Drawing | None:
    findings = sorted(rows(results, "findings"), key=lambda finding: not finding.get("primary"))
    if all(finding.get("difference") is None for finding in findings):
        return None
    caption = "Differences with unadjusted 95 % intervals. Filled: primary. Hollow: exploratory."
    if any(finding.get("margin") is not None for finding in findings):
        caption += " Shaded: the margin within which the study counts a difference as none."
    return _draw(lambda width: plots.forest(findings, width=width), caption)


def _accuracy(results: Row) -> Drawing | None:
    conditions = rows(results, "conditions")
    if all(row.get("accuracy") is None for row in conditions):
        return None
    caption = "One dot a seed with its Wilson 95 % interval."
    if len({row.get("seed") for row in conditions}) > 1:
        caption += " The bar and the number at the right are their mean."
    return _draw(lambda width: plots.accuracies(conditions, width=width), caption)


def _vote_curve(results: Row) -> Drawing | None:
    """The curve of the votes over the most samples; None where there are too few to ask whether more would help."""
    known = [row for row in rows(results, "labels") if len(row.get("curve") or ()) > FEW_POINTS]
    if not known:
        return None
    # Of the sets with the most samples the one with the most questions; its seeds are the lines.
    best = max(known, key=lambda row: (int(row["k"]), row["questions"]))
    most, name = int(best["k"]), best["name"]
    caption = f"How often the vote of {name} is right over k samples (mean over all subsets of one draw of {most})."
    drawn = [row for row in known if row["name"] == name]
    return _draw(lambda width: plots.vote_curve(drawn, width=width), caption)


def _rollouts(curves: Mapping[str, Sequence[Row]]) -> Drawing | None:
    own = {name: curve for name, curve in curves.items() if any(row.get("right") is not None for row in curve)}
    if not own:
        return None
    caption = "Answers drawn in training by GRPO, step by step. The label that they reach is gold or a vote."
    if any(row.get("found") for curve in own.values() for row in curve):
        caption += " A ring marks the step of a look that found something (see Health)."
    return _draw(lambda width: plots.rollouts(own, width=width), caption)


def _losses(curves: Mapping[str, Sequence[Row]]) -> Drawing | None:
    if not curves:
        return None
    caption = "Training loss by step, one line a seed. Scales differ between conditions."
    return _draw(lambda width: plots.losses(curves, width=width), caption)


def _labeling(histogram: Histogram, number: int) -> Labeling:
    seeds = f", {histogram.seeds} seeds added up" if histogram.seeds > 1 else ""
    name = f"{histogram.name}, K = {histogram.k}"
    if any(level.accuracy is not None for level in histogram.levels):
        caption = (
            f"{name}{seeds}. Above: how often the winner is right at each agreement; on the dashed line agreement "
            "would equal accuracy. Below: how many questions reach it."
        )
    else:
        caption = f"{name}{seeds}. How many questions reach each agreement; how often the winner is right is not known."
    drawing = _draw(lambda width: plots.agreement(histogram, number=number, width=width), caption)
    lines = tuple(
        Line((f"{level.votes} of {histogram.k}", count(level.questions), percent(level.accuracy)))
        for level in histogram.levels
    )
    columns = (Column("Votes for the winner", "left"), Column("Questions"), Column("Right"))
    return Labeling(name, drawing, Table(f"{name}: by agreement", "", columns, lines))


def _facts(results: Row) -> list[str]:
    """The line over the title: study, scale, protocol, seeds."""
    seeds = rows(results, "seeds")
    words = [results.get("study"), results.get("scale"), results.get("protocol") and f"{results['protocol']} protocol"]
    words.append(f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}" if seeds else None)
    return [str(word) for word in words if word]


def _protocol(results: Row) -> list[tuple[str, str]]:
    """How it was run, as pairs of a word and its value."""
    sizes = {int(row["n"]) for row in rows(results, "conditions") if row.get("n") is not None}
    values: dict[str, Any] = {
        "Study": results.get("study"),
        "Scale": results.get("scale"),
        "Protocol": results.get("protocol"),
        "Model": results.get("model"),
        "Data": results.get("data"),
        "Test questions": ", ".join(count(size) for size in sorted(sizes)) or None,
        "Seeds": ", ".join(str(seed) for seed in rows(results, "seeds")) or None,
        "Time": None if results.get("seconds") is None else duration(results["seconds"]),
        "Folder": results.get("run_dir"),
    }
    return [(name, DASH if value is None else _plain(value)) for name, value in values.items()]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return value if isinstance(value, str) else count(value) if isinstance(value, int) else json.dumps(value)
