"""``log``: the experiment log, a line a run, good or bad."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli import spend as ledger
from noisy_student.cli.console import emit, output, table
from noisy_student.cli.runs import STRANGE, Past, past_runs
from noisy_student.errors import UserError
from noisy_student.report.numbers import DASH
from noisy_student.report.tables.probes import answer

FIELDS = ("study", "scale", "seeds", "status")
"""What a run says of itself."""


Spend = Annotated[bool, typer.Option("--spend", help="Show what every run has cost, each result counted once.")]
Of = Annotated[float | None, typer.Option("--of", metavar="USD", help="With --spend: the budget.")]


def command(
    spend: Spend = False,
    of: Of = None,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Show the experiment log: every run so far, oldest first."""
    if of is not None and not spend:
        raise UserError("--of is the budget of --spend, which is not asked for.", do="Add --spend, or leave --of out.")
    if spend:
        ledger.spend(runs, store, budget=of, json=json)
        return
    rows = [log_row(past) for past in past_runs(runs)]
    if json:
        emit({"schema": 1, "runs": rows})
        return
    if not rows:
        output().print(Text(f"There is no run under {runs} yet."), soft_wrap=True)
        return
    lines = [[_cell(row[name]) for name in ("date", *FIELDS, "headline", "next", "folder")] for row in rows]
    table(output(), ["Date", "Study", "Scale", "Seeds", "Status", "Finding", "Next", "Folder"], lines)


def log_row(past: Past) -> dict[str, Any]:
    """One run as the log has it; a run that cannot be read has the status ``unreadable``."""
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(past.written))
    found: dict[str, Any] = {"date": date, **dict.fromkeys(FIELDS)}
    found |= {"headline": None, "next": None, "folder": str(past.folder)}
    if past.results is None:
        return {**found, "status": "unreadable"}
    try:
        told = answer(past.results)
    except STRANGE:
        return {**found, "status": "unreadable"}
    decision = past.results.get("decision")
    following = decision.get("taken") if isinstance(decision, dict) else None
    return {**found, **{name: past.results.get(name) for name in FIELDS}, "headline": told, "next": following}


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return DASH if value is None else str(value)
