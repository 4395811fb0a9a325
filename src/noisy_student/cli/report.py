"""``report``: write the page of a run again, from its results and curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from noisy_student import files
from noisy_student.cli import options
from noisy_student.cli.console import emit, output, remark, say
from noisy_student.cli.runs import STRANGE, find_run
from noisy_student.errors import UserError
from noisy_student.report.text import show
from noisy_student.study.results.document import RESULTS
from noisy_student.study.results.export import UNWRITABLE
from noisy_student.study.run import Run, open_run


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
        made = open_run(folder)
        page = write_page(made, anew=True)
    except UserError as error:
        raise UserError(error.what, why=error.why, do=error.do, code="results-malformed") from error
    except STRANGE as error:
        raise UserError(
            f"The results in {folder} are damaged: {type(error).__name__}: {error}.",
            do="Run the study again: stored results are only read.",
            code="results-malformed",
        ) from error
    if json:
        emit({"schema": 1, "page": None if page is None else str(page)})
    elif page is None:
        show(made.results, output())
    else:
        say(str(page))


def write_page(made: Run, *, anew: bool = False) -> Path | None:
    """Write the page of a run unless it is newer than the results, and return its path.

    None where the folder may only be read, which a line on standard error says.
    """
    page = made.folder / "report.html"
    if anew or not page.is_file() or page.stat().st_mtime < (made.folder / RESULTS).stat().st_mtime:
        # The drawings need matplotlib, which a cached run must not wait for.
        from noisy_student.report.html import render

        try:
            files.write_bytes(page, render(made.results, made.curves).encode())
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            remark(f"The page of {made.folder} is not written: {error.strerror}.")
            return None
    return page
