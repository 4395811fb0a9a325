"""Draw the plots of a report as SVG; the only file that imports matplotlib.

Equal rows give equal bytes. Each plot is drawn for a width in CSS pixels, because scaled text would be too small on a
phone.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from noisy_student.report.numbers import DASH, minus, percent, points, points_interval, short_count
from noisy_student.report.svg import ACCENT, BAND, FAINT, INK, LINE, MUTED, PAPER, STROKES, embed
from noisy_student.report.tables.findings import by_name, mean
from noisy_student.report.tables.labels import Histogram
from noisy_student.report.tables.training import MEASURES
from noisy_student.report.wording import Row, comparison

NARROW = 480  # below this width, names stand above their row instead of beside it
LONGEST_NAME = 30
MOST_POINTS = 200
# Any, for matplotlib types these keys differently from version to version.
_STYLE: Any = {
    "svg.hashsalt": "noisy-student",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 13,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
_SMALL: dict[str, Any] = {"loc": "left", "fontsize": 12, "color": MUTED, "pad": 6}


@matplotlib.rc_context(_STYLE)
def forest(findings: Sequence[Row], *, width: int) -> str:
    """Draw differences with their 95 % intervals and, shaded, the equivalence margin."""
    figure, axes = _rows_figure([comparison(finding) for finding in findings], width)
    axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
    for y, finding in enumerate(findings):
        _difference(axes, y, finding, wide=width >= NARROW)
    axes.set_xlabel("difference in points")
    # Show zero, and space around the margin.
    low, high = axes.get_xlim()
    air = 0.04 * (high - low)
    axes.set_xlim(min(low - air, -1), max(high + air, 1))
    alt = "Forest plot. " + "; ".join(
        f"{comparison(row)}: {points(row.get('difference'))} {points_interval(row.get('interval'))}" for row in findings
    )
    return _svg(figure, "forest", alt)


@matplotlib.rc_context(_STYLE)
def accuracies(conditions: Sequence[Row], *, width: int) -> str:
    """Draw the accuracy of each condition: a dot and Wilson interval per seed, a bar at the mean."""
    groups = by_name(conditions)
    figure, axes = _rows_figure(list(groups), width)
    for y, group in enumerate(groups.values()):
        _seeds(axes, y, group, wide=width >= NARROW)
    axes.set_xlabel("test accuracy, %")
    means = {name: mean([row.get("accuracy") for row in group]) for name, group in groups.items()}
    for y, value in enumerate(means.values()):
        axes.text(1.02, y, percent(value), transform=axes.get_yaxis_transform(), va="center", fontsize=12)
    alt = "Dot plot of accuracy. " + "; ".join(f"{name}: {percent(value)}" for name, value in means.items())
    return _svg(figure, "accuracy", alt)


@matplotlib.rc_context(_STYLE)
def agreement(histogram: Histogram, *, number: int, width: int) -> str:
    """Draw vote accuracy by agreement, if known, above the number of questions by agreement.

    ``number`` makes the drawings of one page distinct.
    """
    levels, k = histogram.levels, histogram.k
    known = [(level.votes, 100 * level.accuracy) for level in levels if level.accuracy is not None]
    height = 300 if known else 170
    figure = _figure(width, height, left=48, right=12, top=21, bottom=45)
    figure.subplots_adjust(hspace=0.28)
    if known:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        _reliability(above, known, k)
    else:
        below = figure.subplots()
    below.bar(
        [level.votes for level in levels],
        [level.questions for level in levels],
        width=0.72,
        color=BAND,
        edgecolor=ACCENT,
        linewidth=1,
    )
    below.set_title("questions", **_SMALL)
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    below.set(xlim=(-0.6, k + 0.6), xlabel=f"votes for the winner, of {k}")
    below.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if k <= 8:
        below.set_xticks(range(k + 1))
    _grid(below)
    alt = f"Accuracy and number of questions by agreement, of {k} votes. " + "; ".join(
        f"{level.votes}: {percent(level.accuracy)} of {level.questions}" for level in levels
    )
    return _svg(figure, f"agreement-{number}", alt)


@matplotlib.rc_context(_STYLE)
def vote_curve(labels: Sequence[Row], *, width: int) -> str:
    """Draw vote accuracy by number of samples, one line per seed."""
    figure = _figure(width, 210, left=48, right=16, top=21, bottom=45)
    axes = figure.subplots()
    for row in labels:
        percents = [100 * share for _, share in row["curve"]]
        axes.plot([k for k, _ in row["curve"]], percents, "o-", color=ACCENT, markersize=6, linewidth=1.5)
    ks = sorted({int(k) for row in labels for k, _ in row["curve"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ks, labels=[str(k) for k in ks])
    axes.minorticks_off()
    axes.set(xlabel="samples per question (k)")
    axes.set_title("vote accuracy, %", **_SMALL)
    _grid(axes)
    alt = "Vote accuracy by samples per question. " + "; ".join(
        f"{int(k)}: {percent(share)}" for row in labels for k, share in row["curve"]
    )
    return _svg(figure, "vote-curve", alt)


@matplotlib.rc_context(_STYLE)
def rollouts(curves: Mapping[str, Sequence[Row]], *, width: int) -> str:
    """Draw the measures of completions in training, one panel per known measure and one line per student."""
    shown = [
        (name, words, factor)
        for name, words, factor in MEASURES
        if any(row.get(name) is not None for curve in curves.values() for row in curve)
    ]
    columns = 2 if width >= NARROW else 1
    lines = -(-len(shown) // columns)
    height = 60 + 160 * lines + 18 * len(curves)
    figure = _figure(width, height, left=48, right=10, top=30 + 18 * len(curves), bottom=46)
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    figure.subplots_adjust(hspace=0.5, wspace=0.2)
    for axes, (name, words, factor) in zip(grid, shown, strict=False):
        for number, (student, curve) in enumerate(curves.items()):
            known = [row for row in curve if row.get(name) is not None]
            every = -(-len(known) // MOST_POINTS) or 1
            thin = [row for place, row in enumerate(known) if place % every == 0 or row.get("found")]
            steps, values = [row["step"] for row in thin], [factor * row[name] for row in thin]
            color, dashes = STROKES[number % len(STROKES)]
            found = [bool(row.get("found")) for row in thin]
            rings: Any = {"marker": "o", "mfc": "none", "markevery": found} if any(found) else {}
            axes.plot(steps, values, color=color, linestyle=dashes, linewidth=1.3, label=student, **rings)
        axes.set_title(words, **_SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        _grid(axes)
    for axes in grid[len(shown) :]:
        axes.axis("off")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="upper left", frameon=False, fontsize=12, ncols=1)
    alt = "Completions in training. " + "; ".join(
        f"{student}: label matched {percent(curve[0].get('right'))} first, {percent(curve[-1].get('right'))} last"
        for student, curve in curves.items()
        if curve
    )
    return _svg(figure, "rollouts", alt)


@matplotlib.rc_context(_STYLE)
def losses(curves: Mapping[str, Sequence[Row]], *, width: int) -> str:
    """Draw training loss by step: one panel per condition, one line of at most 200 points per seed."""
    panels: dict[str, list[Sequence[Row]]] = {}
    for name, curve in curves.items():
        panels.setdefault(name.rsplit("-", 1)[0], []).append(curve)
    columns = 3 if width >= NARROW else 2
    lines = -(-len(panels) // columns)
    figure = _figure(width, 30 + 150 * lines, left=40, right=10, top=24, bottom=46)
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    figure.subplots_adjust(hspace=0.62, wspace=0.28)
    for axes, (name, seeds) in zip(grid, panels.items(), strict=False):
        for curve in seeds:
            thin = curve[:: -(-len(curve) // MOST_POINTS) or 1]
            axes.plot([row["step"] for row in thin], [row["loss"] for row in thin], color=ACCENT, linewidth=1.1)
        axes.set_title(_short(name, 22), **(_SMALL | {"color": INK}))
        _grid(axes)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda step, _: short_count(step) if step >= 10_000 else f"{step:.0f}")
    for axes in grid[len(panels) :]:
        axes.remove()
    return _svg(figure, "loss", "Training loss by step for " + ", ".join(panels))


def _figure(width: float, height: float, *, left: float, right: float, top: float, bottom: float) -> Figure:
    """Return a figure without axes; its size and margins are in CSS pixels."""
    figure = Figure(figsize=(width / 72, height / 72))
    figure.subplots_adjust(left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height)
    return figure


def _rows_figure(names: Sequence[str], width: int) -> tuple[Figure, Axes]:
    """Return a figure with one row per name: names beside the rows if there is room, else above them."""
    wide = width >= NARROW
    height = (34 if wide else 54) * len(names) + 52
    left = 16 + 7.8 * max(len(_short(name, LONGEST_NAME)) for name in names) if wide else 4
    right = 150 if wide else 58
    figure = _figure(width, height, left=left, right=right, top=4, bottom=44)
    axes = figure.subplots()
    axes.set(ylim=(len(names) - 0.5, -0.5 if wide else -0.62), yticks=range(len(names)), yticklabels=[])
    for y, name in enumerate(names):
        place = {"x": -8 / (width - left - right), "y": y, "ha": "right"} if wide else {"x": 0, "y": y - 0.36}
        axes.text(s=minus(_short(name, LONGEST_NAME)), transform=axes.get_yaxis_transform(), va="center", **place)
    axes.xaxis.grid(True, color=LINE, linewidth=1)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(7 if wide else 4))
    return figure, axes


def _difference(axes: Axes, y: int, finding: Row, *, wide: bool) -> None:
    difference, interval, margin = finding.get("difference"), finding.get("interval"), finding.get("margin")
    primary = bool(finding.get("primary"))
    ink = ACCENT if primary else MUTED
    if margin is not None:
        axes.barh(y, 200 * margin, 1, -100 * margin, color=BAND, linewidth=0, zorder=0)
    beside = axes.get_yaxis_transform()
    if difference is None:
        axes.text(1.02, y, "not measured" if wide else DASH, transform=beside, va="center", fontsize=12, color=MUTED)
        return
    if interval is not None:
        axes.plot([100 * end for end in interval], [y, y], color=ink, linewidth=2 if primary else 1.3, zorder=2)
    axes.plot(100 * difference, y, "o", color=ink, mfc=ink if primary else PAPER, markersize=7 if primary else 6)
    words = f"{points(difference)}  {points_interval(interval)}" if wide else points(difference)
    axes.text(1.02, y, minus(words), transform=beside, va="center", fontsize=12)


def _seeds(axes: Axes, y: float, group: Sequence[Row], *, wide: bool) -> None:
    known = [row for row in group if row.get("accuracy") is not None]
    # On a phone the name stands above the dots, so they keep closer together and lower.
    room, y = (1.0, y) if wide else (0.62, y + 0.14)
    for index, row in enumerate(known):
        at = y + 0.15 * room * (index - (len(known) - 1) / 2) * min(1.0, 4 / len(known))
        if row.get("interval") is not None:
            axes.plot([100 * end for end in row["interval"]], [at, at], color=FAINT, linewidth=1.5)
        axes.plot(100 * row["accuracy"], at, "o", color=ACCENT, markersize=5)
    center = mean([row["accuracy"] for row in known])
    if center is not None and len(known) > 1:
        axes.plot([100 * center] * 2, [y - 0.3 * room, y + 0.3 * room], color=INK, linewidth=2)


def _reliability(axes: Axes, known: Sequence[tuple[int, float]], k: int) -> None:
    axes.plot([0, k], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(*zip(*known, strict=True), "o-", color=ACCENT, markersize=6, linewidth=1.5)
    axes.set(ylim=(-4, 104), yticks=[0, 50, 100])
    axes.set_title("correct, %", **_SMALL)
    _grid(axes)


def _grid(axes: Axes) -> None:
    axes.yaxis.grid(True, color=LINE, linewidth=1)
    axes.set_axisbelow(True)


def _short(name: str, longest: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= longest else name[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _svg(figure: Figure, name: str, alt: str) -> str:
    file = io.StringIO()
    with warnings.catch_warnings():
        # Text stays text in the file, so a glyph missing here is the reader's font's business.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return embed(file.getvalue(), name=f"{name}-{figure.get_figwidth() * 72:.0f}", alt=alt)
