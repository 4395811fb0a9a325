"""Figures of the page: a drawing in two widths and its caption, or None where nothing of it was measured.

Results documents come in, drawings as SVG text go out. ``plots`` is imported when the first figure is drawn, because
matplotlib takes a second that the terminal need not wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from noisy_student.report.numbers import count, percent
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.tables.findings import findings_in_order
from noisy_student.report.tables.labels import Histogram, histograms
from noisy_student.report.wording import Row, rows

# Widths in CSS pixels of the text column on a desktop and on a phone of 390.
WIDE, NARROW = 880, 342
FEW_POINTS = 4
"""Points of a curve up to K = 8."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as two SVG texts, of which the page shows the one that fits, and its caption."""

    wide: str
    narrow: str
    caption: str


def forest(results: Row) -> Drawing | None:
    """Draw the differences of all findings."""
    findings = findings_in_order(results)
    if all(finding.get("difference") is None for finding in findings):
        return None
    caption = "Differences with unadjusted 95 % intervals. Filled: primary. Hollow: exploratory."
    if any(finding.get("margin") is not None for finding in findings):
        caption += " Shaded: the equivalence margin."
    return _draw("forest", findings, caption)


def accuracy(results: Row) -> Drawing | None:
    """Draw the accuracy of every condition and seed."""
    conditions = rows(results, "conditions")
    if all(row.get("accuracy") is None for row in conditions):
        return None
    caption = "One dot per seed with its 95 % Wilson interval."
    if len({row.get("seed") for row in conditions}) > 1:
        caption += " The bar and the number on the right are the mean over seeds."
    return _draw("accuracies", conditions, caption)


def vote_curve(results: Row) -> Drawing | None:
    """Draw vote accuracy by number of samples; None if no set of votes has more than 8 samples."""
    known = [row for row in rows(results, "labels") if len(row.get("curve") or ()) > FEW_POINTS]
    if not known:
        return None
    # Of the sets with the most samples the one with the most questions; its seeds are the lines.
    best = max(known, key=lambda row: (int(row["k"]), row["questions"]))
    most, name = int(best["k"]), best["name"]
    caption = f"Vote accuracy of {name} for k samples (mean over all subsets of the {most} samples drawn)."
    return _draw("vote_curve", [row for row in known if row["name"] == name], caption)


def agreement(results: Row) -> Iterator[Drawing | Table]:
    """Draw accuracy and number of questions by agreement, each set of votes followed by its table."""
    for number, histogram in enumerate(histograms(rows(results, "labels"))):
        name = f"{histogram.name}, K = {histogram.k}"
        yield _draw("agreement", histogram, _agreement_caption(name, histogram), number=number)
        lines = tuple(
            Line((f"{each.votes} of {histogram.k}", count(each.questions), percent(each.accuracy)))
            for each in histogram.levels
        )
        columns = (Column("Votes for the winner", "left"), Column("Questions"), Column("Right"))
        yield Table(f"{name}: by agreement", "", columns, lines)


def rollouts(results: Row) -> Drawing | None:
    """Draw what GRPO measured of its samples, step by step."""
    curves = {
        name: curve
        for name, curve in (results.get("curves") or {}).items()
        if any(row.get("right") is not None for row in curve)
    }
    if not curves:
        return None
    caption = "Completions sampled by GRPO, by step. Labels are gold answers or votes."
    if any(row.get("found") for curve in curves.values() for row in curve):
        caption += " A ring marks a step at which a health check raised a finding (see Health)."
    return _draw("rollouts", curves, caption)


def losses(results: Row) -> Drawing | None:
    """Draw the training loss of every condition and seed."""
    curves = results.get("curves")
    if not curves:
        return None
    return _draw("losses", curves, "Training loss by step, one line per seed. Scales differ between conditions.")


def _draw(plot: str, data: Any, caption: str, **options: Any) -> Drawing:
    from noisy_student.report import plots

    draw = getattr(plots, plot)
    return Drawing(draw(data, width=WIDE, **options), draw(data, width=NARROW, **options), caption)


def _agreement_caption(name: str, histogram: Histogram) -> str:
    seeds = f", summed over {histogram.seeds} seeds" if histogram.seeds > 1 else ""
    if all(each.accuracy is None for each in histogram.levels):
        return f"{name}{seeds}. Number of questions by agreement; vote accuracy is unknown."
    return (
        f"{name}{seeds}. Above: vote accuracy by agreement; on the dashed line agreement equals accuracy. "
        "Below: number of questions by agreement."
    )
