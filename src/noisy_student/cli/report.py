"""``report``: write the page of a run again, from its results and curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from noisy_student import files
from noisy_student.cli import options
from noisy_student.cli.console import emit, say
from noisy_student.cli.runs import STRANGE, find_run
from noisy_student.errors import UserError
from noisy_student.study.run import RESULTS, Run, open_run


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder or its name; by default the newest.")
    ] = None,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Write the page of a run again and print its path."""
    folder = find_run(run, runs)
    try:
        page = write_page(open_run(folder), anew=True)
    except STRANGE as error:
        raise UserError(
            f"The results in {folder} are damaged: {type(error).__name__}: {error}.",
            do="Run the study again: stored results are only read.",
            code="results-malformed",
        ) from error
    if json:
        emit({"schema": 1, "page": str(page)})
    else:
        say(str(page))


def write_page(made: Run, *, anew: bool = False) -> Path:
    """Write the page of a run unless it is newer than the results, and return its path."""
    page = made.folder / "report.html"
    if anew or not page.is_file() or page.stat().st_mtime < (made.folder / RESULTS).stat().st_mtime:
        # The drawings need matplotlib, which a cached run must not wait for.
        from noisy_student.report.html import render

        files.write_bytes(page, render(made.results, made.curves).encode())
    return page
