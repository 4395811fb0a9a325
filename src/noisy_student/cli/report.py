"""``report``: the page of a run again, from its results and curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from noisy_student import files
from noisy_student.cli import options
from noisy_student.cli.console import emit
from noisy_student.cli.runs import find_run
from noisy_student.report.html import render
from noisy_student.study.run import Run, open_run

PAGE = "report.html"


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder or its name; the newest without it.")
    ] = None,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Write the page of a run again and print its path."""
    page = write(open_run(find_run(run, runs)))
    if json:
        emit({"schema": 1, "page": str(page)})
    else:
        print(page)


def write(made: Run) -> Path:
    """Write ``report.html`` beside the results and return its path."""
    page = made.folder / PAGE
    files.write_bytes(page, render(made.results, made.curves).encode())
    return page
