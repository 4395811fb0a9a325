"""``log --spend``: the ledger of all runs, as the plan kept it: so much of the budget."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from noisy_student.cli.console import emit, output, table
from noisy_student.cli.runs import past_runs
from noisy_student.errors import UserError
from noisy_student.pipeline.garbage import roots
from noisy_student.pipeline.manifest import stored
from noisy_student.report.numbers import DASH, duration
from noisy_student.study.forecast.ledger import FinishedRun, RunCost, ledger
from noisy_student.study.results.costs import total


def spend(runs: Path, store: Path, *, budget: float | None, json: bool) -> None:
    """Show what every run has cost and all together, of ``budget`` USD if there is one."""
    if budget is not None and not (math.isfinite(budget) and budget > 0):
        raise UserError(f"--of is {budget:g}.", why="It is the budget that was spent from.", do="Give USD above 0.")
    finished = [FinishedRun(past.folder, past.written, past.results) for past in past_runs(runs) if past.results]
    entries = ledger(finished, roots(store), stored(store))
    spent = total([entry.usd for entry in entries])
    seconds = total([entry.seconds for entry in entries])
    cpu = total([entry.cpu_seconds for entry in entries])
    if json:
        sums = {"usd": spent, "seconds": seconds, "cpu_seconds": cpu, "of": budget}
        emit({"schema": 1, "runs": [asdict(entry) for entry in entries], "total": sums})
        return
    if not entries:
        output().print(Text(f"There is no run under {runs} yet."), soft_wrap=True)
        return
    lines = [_line(entry) for entry in entries]
    lines.append(["all", "", "", duration(cpu), duration(seconds), _usd(spent), "", "", ""])
    heads = ["Date", "Study", "Scale", "CPU time", "Time", "USD", "Forecast", "USD forecast", "Folder"]
    table(output(), heads, lines, right=heads[3:8])
    _tell(entries, spent, seconds, budget)


def _tell(entries: Sequence[RunCost], spent: float | None, seconds: float | None, budget: float | None) -> None:
    console = output()
    console.print(Text("What several runs stand on is counted once, in the first of them.", "dim"))
    gone = sum(entry.gone > 0 for entry in entries)
    if gone:
        console.print(Text(f"Runs on results that are gone: {gone}. They count as when they ended, shared or not."))
    unpriced = sum(entry.usd is None for entry in entries)
    if unpriced:
        console.print(Text(f"Runs without a price: {unpriced}. Set compute.usd_per_hour, in the scale or by --set."))
    of = "" if budget is None else f" of ${budget:,.0f}"
    words = f"{DASH if spent is None else f'${spent:,.2f}'}{of}, {duration(seconds)} of computing"
    console.print(Text(f"Spent: {words}.", "bold"))


def _line(entry: RunCost) -> list[str]:
    return [
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.started)),
        entry.study or DASH,
        entry.scale or DASH,
        duration(entry.cpu_seconds),
        duration(entry.seconds),
        _usd(entry.usd),
        duration(entry.forecast_cpu_seconds),
        _usd(entry.forecast_usd),
        entry.folder,
    ]


def _usd(amount: float | None) -> str:
    return DASH if amount is None else f"{amount:.2f}"
