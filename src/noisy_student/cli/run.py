"""``run`` and ``preflight``: compute the missing results of a study, print its findings, write its page."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from noisy_student.cli import PAUSED, USER_ERROR, options
from noisy_student.cli.console import aside, emit, note, only_json, output, remark, say
from noisy_student.cli.overrides import Flags
from noisy_student.cli.progress import ProgressView
from noisy_student.cli.report import write_page
from noisy_student.errors import UserError, nearest
from noisy_student.models.card import loading_line
from noisy_student.report.numbers import percent
from noisy_student.report.text import show
from noisy_student.report.wording import rows
from noisy_student.study.results.export import MODELS
from noisy_student.study.run import Place, Run, run
from noisy_student.study.settings.study import Settings

SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Execution:
    """Flags of a run that change no result: where and how long it runs, where results go."""

    executor: options.Executor = options.LOCAL
    deadline: options.Deadline = None
    budget: options.Budget = None
    store: options.StoreFolder = options.STORE
    runs: options.RunsFolder = options.RUNS
    json: options.Json = False
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Run where the outlook of your own questions advises against it.")
    ] = False


def command(flags: Flags, how: Execution, study: options.Study = options.STUDY) -> None:
    """Run a study, or go on with it, and show what it found.

    The same command continues a run that was paused or interrupted, and only reads one that is finished.
    """
    _run(flags.settings(study), how)


def _run(settings: Settings, how: Execution) -> None:
    _require_local(how.executor)
    if how.anyway:
        settings = settings.model_copy(update={"checks": settings.checks.model_copy(update={"anyway": True})})
    until = _until(how, usd_per_hour=settings.compute.usd_per_hour)
    with only_json() if how.json else contextlib.nullcontext():
        made = run_shown(settings, Place(how.store, how.runs), until, aside())
        page = write_page(made)
    if how.json:
        emit(made.results)
    else:
        # Tables of dashes would push the reason out of sight.
        reached = {row["status"] for row in rows(made.results, "conditions")} & {"done", "skipped"}
        if reached or rows(made.results, "preflight"):
            show(made.results, output())
            note()
        say(*best_model(made), *([] if page is None else [f"Page: {page}"]))
    _end(made)


def run_shown(settings: Settings, place: Place, until: float | None, console: Console) -> Run:
    """Run a study until this time.time() and show its progress on the console."""
    with ProgressView(console, width=settings.compute.workers) as view:
        events: dict[str, Any] = {"on_event": view.on_event, "notice": view.notice, "on_plan": view.on_plan}
        return run(settings, place=place, deadline=until, **events)


def preflight(flags: Flags, how: Execution, study: options.Study = "preflight") -> None:
    """Check model, data and machine before a long study: each check passes, warns, fails or is unsure.

    The exit code is 1 if a check fails. STUDY names the study whose settings are checked, by default a typical one.
    """
    settings = flags.settings(study)
    if not settings.checks.only:
        only: dict[str, Any] = {
            "preflight": True,
            "checks": settings.checks.model_copy(update={"only": True}),
            "name": f"{settings.name[:50]}-preflight",
            "question": f"Is everything in place for {settings.name}?",
            "primary": {},
            "predictions": {},
            "decide": (),
        }
        settings = settings.model_copy(update=only)
    _run(settings, how)


def _until(how: Execution, *, usd_per_hour: float | None) -> float | None:
    """Return the time.time() to pause at: the deadline, or when the budget is spent, whichever comes first."""
    now = time.time()
    ends = [] if how.deadline is None else [parse_deadline(how.deadline, now=now)]
    if how.budget is not None:
        ends.append(budget_deadline(how.budget, usd_per_hour=usd_per_hour, now=now))
        remark(f"The budget is spent at {time.strftime('%H:%M:%S', time.localtime(ends[-1]))}; the run pauses then.")
    return min(ends, default=None)


def parse_deadline(text: str, *, now: float) -> float:
    """Return the time that ``text`` means, in seconds since 1970; a time of day is the next one, in local time.

    >>> parse_deadline("1h30m", now=1000.0)
    6400.0
    """
    word = text.strip().lower()
    if _LENGTH.fullmatch(word):
        return now + sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(word))
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        raise UserError(
            f'--deadline is "{text}".',
            do="Write it like 10h, 90m, 1h30m, 30s or 18:30.",
            code="deadline-malformed",
        )
    here = datetime.fromtimestamp(now)
    moment = here.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    return (moment if moment > here else moment + timedelta(days=1)).timestamp()


def budget_deadline(usd: float, *, usd_per_hour: float | None, now: float) -> float:
    """Return the time at which ``usd`` are spent, counted from ``now``; raises UserError without price or amount."""
    options.require_usd("--budget", usd)
    if usd_per_hour is None:
        raise UserError(
            f"--budget is {usd:g} USD, but compute.usd_per_hour is not set.",
            do="Add --set compute.usd_per_hour=2.50 with your machine's price, or set it in the scale file.",
            code="price-missing",
        )
    return now + usd / usd_per_hour * SECONDS["h"]


def best_model(made: Run) -> list[str]:
    """Return the student with the best test accuracy and the code that loads it; base, if no student is better.

    Controls are left out, and students that learned from revealed answers, since nobody has those in practice.
    """
    tested = [
        row
        for row in rows(made.results, "conditions")
        if row["status"] == "done" and row.get("graded_on", "test") == "test"
    ]
    students = [
        row
        for row in tested
        if row["learns_from"] and "revealed" not in row["learns_from"] and row.get("control_of") is None
    ]
    if not students:
        return []
    best = max(students, key=lambda row: float(row["accuracy"]))
    base = max((float(row["accuracy"]) for row in tested if row["name"] == "base"), default=-1.0)
    if best["accuracy"] <= base:
        rival = f"{best['name']}, seed {best['seed']}: {percent(best['accuracy'])}"
        return [f"Best model: base, untrained ({percent(base)}); no student is more accurate ({rival})."]
    folder = made.folder / MODELS / f"{best['name']}-{best['seed']}"
    told = f"Best model: {best['name']}, seed {best['seed']} ({percent(best['accuracy'])}"
    return [
        f"{told}; selected on the test set, so its accuracy is optimistic):",
        loading_line(folder),
    ]


def _end(made: Run) -> None:
    """Print unfinished and failed conditions to standard error and exit with their code."""
    conditions = rows(made.results, "conditions")
    if made.results["status"] == "paused":
        left = [f"{row['name']} (seed {row['seed']})" for row in conditions if row["status"] == "left"]
        others = "quality of the votes" if conditions else "other checks"
        remark(f"Paused at the deadline. Unfinished: {', '.join(left) or others}.")
        remark("Finished work is kept. Run the same command again.")
        raise typer.Exit(PAUSED)
    bad = [row["check"] for row in rows(made.results, "preflight") if row["outcome"] == "fail"]
    if bad and not conditions:
        remark(f"Failed checks: {', '.join(bad)}. Fix these before a long study.")
        raise typer.Exit(USER_ERROR)
    failed = [row for row in conditions if row["status"] in {"failed", "left"}]
    if failed or made.results["status"] == "partial":
        reasons: dict[str, list[str]] = {}
        for row in failed:
            reasons.setdefault(str(row["reason"]), []).append(f"{row['name']} (seed {row['seed']})")
        for reason, names in reasons.items():
            who = "Every condition" if len(names) == len(conditions) else ", ".join(names)
            remark(f"{who} failed: {reason}")
        remark("Finished work is kept. Fix this and run the same command again.")
        raise typer.Exit(USER_ERROR)


def _require_local(executor: str) -> None:
    if executor == "ray":
        raise UserError(
            "--executor ray is not available in this version.", do="Leave --executor out.", code="executor-unavailable"
        )
    if executor != options.LOCAL:
        raise UserError(
            f'There is no executor "{executor}".', do=nearest(executor, ["local", "ray"]), code="unknown-executor"
        )
