"""``run`` and ``preflight``: compute the missing results of a study, print its findings, write its page."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.console import aside, emit, only_json, output, remark, say
from noisy_student.cli.deadline import budget_deadline, parse_deadline
from noisy_student.cli.exit_code import PAUSED, USER_ERROR
from noisy_student.cli.overrides import Flags
from noisy_student.cli.progress import ProgressView
from noisy_student.errors import UserError, nearest
from noisy_student.report.numbers import percent
from noisy_student.report.text import show
from noisy_student.report.wording import rows
from noisy_student.study.results.export import MODELS
from noisy_student.study.run import Place, Run, run
from noisy_student.study.settings.study import Settings

PAGE = "report.html"


@dataclass(frozen=True)
class Execution:
    """Flags of a run that change no result: where and how long it runs, where results go."""

    executor: options.Executor = options.LOCAL
    deadline: options.Deadline = None
    budget: options.Budget = None
    store: options.StoreFolder = options.STORE
    runs: options.RunsFolder = options.RUNS
    json: options.Json = False


def command(flags: Flags, how: Execution, study: options.Study = options.STUDY) -> None:
    """Run a study, or go on with it, and show what it found.

    The same command continues a run that was paused or interrupted, and only reads one that is finished.
    """
    _require_local(how.executor)
    settings = flags.settings(study)
    until = _until(how, usd_per_hour=settings.compute.usd_per_hour)
    with only_json() if how.json else contextlib.nullcontext():
        made = _run(settings, Place(how.store, how.runs), deadline=until)
        page = write_page(made)
    if how.json:
        emit(made.results)
    else:
        # Tables of dashes would push the reason out of sight.
        reached = {row["status"] for row in rows(made.results, "conditions")} & {"done", "skipped"}
        if reached or rows(made.results, "preflight"):
            show(made.results, output())
            output().print()
        say(*best_model(made), f"Page: {page}")
    _end(made)


def preflight(flags: Flags, how: Execution) -> None:
    """Check model, data and machine before a long study: each check passes, warns, fails or is unsure."""
    command(flags, how, "preflight")


def _until(how: Execution, *, usd_per_hour: float | None) -> float | None:
    """Return the time.time() to pause at: the deadline, or when the budget is spent, whichever comes first."""
    now = time.time()
    ends = [] if how.deadline is None else [parse_deadline(how.deadline, now=now)]
    if how.budget is not None:
        ends.append(budget_deadline(how.budget, usd_per_hour=usd_per_hour, now=now))
        remark(f"The budget is spent at {time.strftime('%H:%M:%S', time.localtime(ends[-1]))}; the run pauses then.")
    return min(ends, default=None)


def write_page(made: Run) -> Path:
    """Write the page of a run unless it is newer than the results; return its path."""
    page, results = made.folder / PAGE, made.folder / "results.json"
    if not page.is_file() or page.stat().st_mtime < results.stat().st_mtime:
        # The drawings need matplotlib, which a cached run must not wait for.
        from noisy_student.cli.report import write

        write(made)
    return page


def best_model(made: Run) -> list[str]:
    """Return two lines: the student with the best test accuracy, and the code that loads it.

    Students that learned from revealed answers are left out, since nobody has those in practice.
    """
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
        f"{told}; selected on the test set, so its accuracy is optimistic):",
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
    """Print unfinished and failed conditions to standard error and exit with their code."""
    conditions = rows(made.results, "conditions")
    errors = aside()
    if made.results["status"] == "paused":
        left = [f"{row['name']} (seed {row['seed']})" for row in conditions if row["status"] == "left"]
        errors.print(Text(f"Paused at the deadline. Unfinished: {', '.join(left) or 'quality of the votes'}."))
        errors.print(Text("Finished work is kept. Run the same command again."))
        raise typer.Exit(PAUSED)
    failed = [row for row in conditions if row["status"] in {"failed", "left"}]
    if failed or made.results["status"] == "partial":
        reasons: dict[str, list[str]] = {}
        for row in failed:
            reasons.setdefault(str(row["reason"]), []).append(f"{row['name']} (seed {row['seed']})")
        for reason, names in reasons.items():
            who = "Every condition" if len(names) == len(conditions) else ", ".join(names)
            errors.print(Text(f"{who} failed: {reason}"))
        errors.print(Text("Finished work is kept. Fix this and run the same command again."))
        raise typer.Exit(USER_ERROR)


def _require_local(executor: str) -> None:
    if executor == "ray":
        raise UserError(
            "--executor ray is not available.",
            why="This version runs stages on this machine only.",
            do="Leave out --executor, or set it to local.",
            code="executor-unavailable",
        )
    if executor != options.LOCAL:
        raise UserError(
            f'There is no executor "{executor}".', do=nearest(executor, ["local", "ray"]), code="unknown-executor"
        )
