"""``run``: compute what a study needs and the store lacks, print what was found, write the page."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import typer
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.budget import budget_deadline
from noisy_student.cli.console import aside, emit, only_json, output, remark
from noisy_student.cli.deadline import parse_deadline
from noisy_student.cli.exit_code import PAUSED, USER_ERROR
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.cli.progress import ProgressView
from noisy_student.errors import UserError, nearest
from noisy_student.report.numbers import percent
from noisy_student.report.text import show
from noisy_student.report.wording import rows
from noisy_student.study.results.export import MODELS
from noisy_student.study.run import Place, Run, run
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings

PAGE = "report.html"


def command(
    study: options.Study = options.STUDY,
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    model: options.Model = None,
    data: options.Data = None,
    limit: options.Limit = None,
    seeds: options.Seeds = None,
    sets: options.Sets = None,
    executor: options.Executor = options.LOCAL,
    deadline: options.Deadline = None,
    budget: options.Budget = None,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Run a study, or go on with it, and show what it found.

    The same command goes on with a run that was paused or interrupted, and only reads one that is done.
    """
    _require_local(executor)
    flags = Flags(model=model, data=data, limit=limit, seeds=seeds, sets=sets or ())
    settings = resolve(Request(study, scale, protocol, overrides(flags)))
    until = _until(deadline, budget, usd_per_hour=settings.compute.usd_per_hour)
    with only_json() if json else contextlib.nullcontext():
        made = _run(settings, Place(store, runs), deadline=until)
        page = write_page(made)
    if json:
        emit(made.results)
    else:
        console = output()
        # Tables of dashes would push the reason out of sight.
        reached = {row["status"] for row in rows(made.results, "conditions")} & {"done", "skipped"}
        if reached or rows(made.results, "preflight"):
            show(made.results, console)
            console.print()
        for line in best_model(made):
            console.print(Text(line), soft_wrap=True)
        console.print(Text(f"Page: {page}"), soft_wrap=True)
    _end(made)


def _until(deadline: str | None, budget: float | None, *, usd_per_hour: float | None) -> float | None:
    """When to pause: at the deadline or when the budget is spent, whichever comes first."""
    now = time.time()
    ends = [] if deadline is None else [parse_deadline(deadline, now=now)]
    if budget is not None:
        ends.append(budget_deadline(budget, usd_per_hour=usd_per_hour, now=now))
        remark(f"The budget is a deadline at {time.strftime('%H:%M:%S', time.localtime(ends[-1]))}.")
    return min(ends, default=None)


def write_page(made: Run) -> Path:
    """The page of a run, written unless it is newer than the results."""
    page, results = made.folder / PAGE, made.folder / "results.json"
    if not page.is_file() or page.stat().st_mtime < results.stat().st_mtime:
        # The drawings need matplotlib, which a cached run must not wait for.
        from noisy_student.cli.report import write

        write(made)
    return page


def best_model(made: Run) -> list[str]:
    """Which student is best, and the line that loads it; the revealed truth is no student's to have."""
    students = [
        row
        for row in rows(made.results, "conditions")
        if row["status"] == "done"
        and row["learns_from"]
        and "revealed" not in row["learns_from"]
        and row.get("graded_on", "test") == "test"
    ]
    if not students:
        return []
    best = max(students, key=lambda row: float(row["accuracy"]))
    folder = made.folder / MODELS / f"{best['name']}-{best['seed']}"
    told = f"Best model: {best['name']}, seed {best['seed']} ({percent(best['accuracy'])}"
    return [
        f"{told}; chosen on the test itself, so a little flattered):",
        f'AutoModelForCausalLM.from_pretrained("{folder}")',
    ]


def _run(settings: Settings, place: Place, *, deadline: float | None) -> Run:
    with ProgressView(aside(), width=settings.compute.workers) as view:
        return run(
            settings,
            place=place,
            deadline=deadline,
            on_event=view.on_event,
            notice=view.notice,
            on_plan=view.on_plan,
        )


def _end(made: Run) -> None:
    """Say on standard error what is missing, and end with the code that says so."""
    conditions = rows(made.results, "conditions")
    errors = aside()
    if made.results["status"] == "paused":
        left = [f"{row['name']} (seed {row['seed']})" for row in conditions if row["status"] == "left"]
        errors.print(Text(f"Paused at the deadline. Left to do: {', '.join(left) or 'the quality of the votes'}."))
        errors.print(Text("Nothing is lost. Run the same command again."))
        raise typer.Exit(PAUSED)
    failed = [row for row in conditions if row["status"] in {"failed", "left"}]
    if failed or made.results["status"] == "partial":
        reasons: dict[str, list[str]] = {}
        for row in failed:
            reasons.setdefault(str(row["reason"]), []).append(f"{row['name']} (seed {row['seed']})")
        for reason, names in reasons.items():
            who = "Every condition" if len(names) == len(conditions) else ", ".join(names)
            errors.print(Text(f"{who} failed: {reason}"))
        errors.print(Text("What was done is kept. Mend it and run the same command again."))
        raise typer.Exit(USER_ERROR)


def _require_local(executor: str) -> None:
    if executor == "ray":
        raise UserError(
            "--executor ray is not in this version.", why="It comes with a later one.", do="Leave it out: local."
        )
    if executor != options.LOCAL:
        raise UserError(f'There is no executor "{executor}".', do=nearest(executor, ["local", "ray"]))
