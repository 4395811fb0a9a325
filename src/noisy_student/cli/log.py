"""``log``: the experiment log, one line per run; with ``--spend`` the cost of every run and of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from noisy_student.cli import options
from noisy_student.cli.console import date, emit, note, remark, say, table
from noisy_student.cli.runs import STRANGE, differing, past_runs, value_text
from noisy_student.cli.why import flat
from noisy_student.errors import UserError
from noisy_student.pipeline.garbage import roots
from noisy_student.pipeline.manifest import stored
from noisy_student.report.numbers import DASH, duration
from noisy_student.report.tables.probes import answer
from noisy_student.study.forecast.ledger import FinishedRun, ledger
from noisy_student.study.results.costs import total

FIELDS = ("study", "scale", "seeds", "status")
"""Fields of a run's results that the log shows as they are."""
SHOWN = ("scale", "seeds", "model.id", "data.limit")
"""Settings that every line shows, whether they differ or not."""


def command(
    spend: Annotated[
        bool, typer.Option("--spend", help="Show the cost of every run; shared results count once.")
    ] = False,
    of: Annotated[float | None, typer.Option("--of", metavar="USD", help="With --spend: the budget.")] = None,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """List all runs with their findings, oldest first; with --spend their costs."""
    if of is not None and not spend:
        raise UserError(
            f"--of is {of:g}, but --spend is missing.", do="Add --spend, or leave out --of.", code="flag-needs-another"
        )
    if spend:
        _spend(runs, store, budget=of, json=json)
        return
    rows = _rows(past_runs(runs))
    if json:
        emit({"schema": 1, "runs": rows})
    elif not rows:
        say(f"No run is under {runs} yet.")
    else:
        say(*map(_line, rows))


def _rows(every: Sequence[FinishedRun]) -> list[dict[str, Any]]:
    """Return one row a run; ``differs`` holds the fields that vary among the listed runs of its study."""
    rows = [_row(past) for past in every]
    for study in dict.fromkeys(row["study"] for row in rows):
        alike = [place for place, row in enumerate(rows) if row["study"] == study]
        settings = [(every[place].results or {}).get("settings") for place in alike]
        varying = differing(settings)
        for number, place in enumerate(alike):
            shown = {name: values[number] for name, values in varying.items() if name not in SHOWN}
            rows[place]["differs"] = {name: value for name, value in shown.items() if value is not None}
    return rows


def _row(past: FinishedRun) -> dict[str, Any]:
    """Return one run as a row of the log; a run that cannot be read has the status ``unreadable``."""
    results, headline = past.results, None
    try:
        headline = None if results is None else answer(results)
    except STRANGE:
        results = None
    read = {"status": "unreadable"} if results is None else results
    settings, decision = dict(flat(read.get("settings") or {})), read.get("decision")
    return {
        "date": date(past.written),
        **{name: read.get(name) for name in FIELDS},
        "model": settings.get("model.id", read.get("model")),
        "limit": settings.get("data.limit"),
        "headline": headline,
        "next": decision.get("taken") if isinstance(decision, dict) else None,
        "folder": str(past.folder),
        "differs": {},
    }


def _line(row: dict[str, Any]) -> str:
    """Return a run in one line: date, folder, what ran, what differs from other runs of its study, and its finding."""
    seeds = row["seeds"] or []
    ran = [
        *(row[name] for name in ("study", "scale", "model") if row[name]),
        *([] if row["limit"] is None else [f"limit {row['limit']}"]),
        *([f"seed{'s' if len(seeds) > 1 else ''} {value_text(seeds)}"] if seeds else []),
        *(f"{name}={value_text(value)}" for name, value in row["differs"].items()),
    ]
    what = [" · ".join(map(str, ran)), *([] if row["status"] == "done" else [row["status"]]), row["headline"]]
    return "  ".join(str(text) for text in (row["date"], row["folder"], *what) if text)


def _spend(runs: Path, store: Path, *, budget: float | None, json: bool) -> None:
    """Print the cost of every run and the total, compared with ``budget`` USD if given."""
    if budget is not None:
        options.require_usd("--of", budget)
    finished, known = past_runs(runs), roots(store, lambda error: remark(f"Left out: {error}"))
    entries = ledger(finished, known, stored(store, remark))
    names = ("usd", "seconds", "wall_seconds", "cpu_seconds")
    sums = {name: total(getattr(entry, name) for entry in entries) for name in names}
    spent, seconds, wall, cpu = sums.values()
    if json:
        emit({"schema": 1, "runs": [asdict(entry) for entry in entries], "total": {**sums, "of": budget}})
        return
    if not entries:
        say(f"No run is under {runs} yet.")
        return
    lines = [
        [
            date(entry.started),
            entry.study or DASH,
            entry.scale or DASH,
            duration(entry.cpu_seconds),
            duration(entry.seconds),
            duration(entry.wall_seconds),
            _usd(entry.usd),
            duration(entry.forecast_cpu_seconds),
            _usd(entry.forecast_usd),
            entry.folder,
        ]
        for entry in entries
    ]
    lines.append(["all", "", "", duration(cpu), duration(seconds), duration(wall), _usd(spent), "", "", ""])
    heads = ["Date", "Study", "Scale", "CPU time", "Stage time", "Wall time"]
    heads += ["USD", "CPU forecast", "USD forecast", "Folder"]
    table(heads, lines, right=heads[3:9])
    note(
        "Stage time is summed over processes, several of which may run at once; a result that several runs share is "
        "counted once, in the first of them. Wall time is that of a run's calls, and USD is its price; for runs of "
        "older versions USD is estimated from stage time and workers."
    )
    gone, unpriced = sum(entry.gone > 0 for entry in entries), sum(entry.usd is None for entry in entries)
    if gone:
        note(f"Runs with deleted results: {gone}. They count as recorded at their end, shared or not.", "")
    if unpriced:
        note(f"Runs without a price: {unpriced}. Set compute.usd_per_hour, in the scale or by --set.", "")
    of = "" if budget is None else f" of ${budget:,.0f}"
    note(
        f"Spent: {DASH if spent is None else f'${spent:,.2f}'}{of}, {duration(wall)} of wall time, {duration(seconds)} "
        "of stage time.",
        "bold",
    )


def _usd(amount: float | None) -> str:
    return DASH if amount is None else f"{amount:.2f}"
