"""What a run took against what was forecast before it began."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, duration
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row


def forecast_table(results: Row) -> Table:
    """Forecast and actual CPU time by stage; no lines where there was no forecast."""
    kept = results.get("forecast") or {}
    columns = (
        Column("Stage", "left"),
        Column("Parts"),
        Column("Forecast"),
        Column("Took"),
        Column("Took / forecast"),
        Column("Known from", "left"),
    )
    lines = [_line(str(row.get("stage")), row, row.get("nodes")) for row in kept.get("stages") or ()]
    if lines:
        lines.append(_line("all", kept, sum(row.get("nodes") or 0 for row in kept["stages"])))
    unknown = kept.get("without_estimate")
    remarks = (f"{unknown} steps were unlike all that had been done, and had no forecast.",) if unknown else ()
    caption = (
        "CPU time of the processes. The forecast was made when the run began: from what like steps took in this store, "
        "else from a calibration (noisy-student plan --calibrate)."
    )
    return Table("Forecast and cost", caption, columns, tuple(lines), remarks)


def forecast_words(results: Row) -> str | None:
    """The same in one sentence; None where there was no forecast."""
    kept = results.get("forecast") or {}
    if not kept.get("cpu_seconds") or kept.get("ratio") is None:
        return None
    said, took = duration(kept["cpu_seconds"]), duration(kept.get("actual_cpu_seconds"))
    unknown = kept.get("without_estimate")
    apart = f" {count(unknown)} more steps were unlike all that had been done, and had no forecast." if unknown else ""
    return f"Forecast: {said} of CPU time; it took {took}, {kept['ratio']:.2f} of that.{apart}"


def _line(name: str, row: Row, nodes: object) -> Line:
    ratio = row.get("ratio")
    return Line(
        (
            name,
            count(nodes),
            duration(row.get("cpu_seconds")),
            duration(row.get("actual_cpu_seconds")),
            DASH if ratio is None else f"{ratio:.2f}",
            str(row.get("source") or ""),
        )
    )
