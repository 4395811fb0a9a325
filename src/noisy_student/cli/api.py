"""``noisy_student.run``: a study from Python, with the flags of ``noisy-student run`` as arguments."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.cli import options
from noisy_student.cli.console import aside
from noisy_student.cli.overrides import Flags
from noisy_student.cli.overrides import overrides as overridden
from noisy_student.cli.report import write_page
from noisy_student.cli.run import parse_deadline, run_shown
from noisy_student.errors import UserError
from noisy_student.pipeline.workers import GUARD_MISSING, WORKER
from noisy_student.study.run import Place, Run
from noisy_student.study.settings.files import Request, resolve


def run(
    study: str | Path = options.STUDY,
    *,
    scale: str = options.SCALE,
    protocol: str = options.PROTOCOL,
    model: str | Path | None = None,
    data: str | Path | None = None,
    limit: int | None = None,
    seeds: Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    folder: str | Path = ".",
    deadline: str | None = None,
    progress: bool = True,
    anyway: bool = False,
) -> Run:
    """Run a study as ``noisy-student run`` does, or go on with it, and return its ``Run``.

    ``study`` is a packaged study's name or a TOML file; ``overrides`` sets any field by its dotted name or as nested
    tables; ``folder`` holds the store and the runs; ``deadline`` is a time like "90m", after which the run has the
    status "paused" and the same call continues it. ``progress`` prints to standard error. ``anyway`` runs a study of
    your own questions even where their outlook advises against it.

    Raises UserError for faults that the user can fix, and if no condition has a result. In a script, call it under
    ``if __name__ == "__main__":``, because worker processes import the script.
    """
    if multiprocessing.current_process().name == WORKER:
        # A worker imports the script; here, the script's call stands outside of the guard.
        sys.exit(GUARD_MISSING)
    main = sys.modules["__main__"]
    if not Path(getattr(main, "__file__", None) or __file__).is_file():
        # A program read from standard input: workers would look for a file of that name.
        del main.__file__
    names = [None if value is None else str(value) for value in (model, data)]
    given = overridden(Flags(model=names[0], data=names[1], limit=limit))
    given |= ({} if seeds is None else {"seeds": list(seeds)}) | ({"checks.anyway": True} if anyway else {})
    settings = resolve(Request(str(study), scale, protocol, {**given, **dict(_dotted(overrides or {}))}))
    until = None if deadline is None else parse_deadline(deadline, now=time.time())
    place = Place(Path(folder, options.STORE), Path(folder, options.RUNS))
    try:
        made = run_shown(settings, place, until, aside(quiet=not progress))
    except UserError as error:
        if error.code == "main-guard-missing":
            # The script lacks one line; a traceback would hide which.
            sys.exit(str(error))
        raise
    _require_result(made)
    write_page(made)
    return made


def _dotted(fields: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of nested tables; a selection is one value, since it is replaced as a whole."""
    for name, value in fields.items():
        dotted = f"{table}.{name}" if table else name
        if isinstance(value, Mapping) and value and name != "select":
            yield from _dotted(value, dotted)
        else:
            yield dotted, value


def _require_result(made: Run) -> None:
    """Raise UserError for a run that ended without a result of any condition."""
    if made.results["status"] == "partial" and not any(row["status"] == "done" for row in made.conditions):
        reasons = dict.fromkeys(str(row["reason"]) for row in made.conditions if row.get("reason"))
        raise UserError(
            "No condition has a result.",
            why=" ".join(reasons) or "Every condition failed.",
            do="Finished work is kept. Fix this and call run again.",
            code="no-results",
        )
