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
from noisy_student.report.html import render
from noisy_student.study.run import Run, open_run

PAGE = "report.html"


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
        page = write(open_run(folder))
    except STRANGE as error:
        raise UserError(
            f"The results in {folder} cannot be shown: {type(error).__name__}: {error}.",
            why="The files are damaged, or not written by noisy-student.",
            do="Run the study again: stored results are only read.",
            code="results-malformed",
        ) from error
    if json:
        emit({"schema": 1, "page": str(page)})
    else:
        say(str(page))


def write(made: Run) -> Path:
    """Write ``report.html`` beside the results and return its path."""
    page = made.folder / PAGE
    files.write_bytes(page, render(made.results, made.curves).encode())
    return page
