"""Find run folders: all, the newest, or one by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.cli.console import remark
from noisy_student.errors import UserError, nearest
from noisy_student.study.results.document import CURVES, RESULTS, read_results

STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Exceptions raised while showing JSON that no run has written, in fields without a model."""


@dataclass(frozen=True, slots=True)
class Past:
    """A past run: its folder, when its results were written, and the results, None if unreadable."""

    folder: Path
    written: float
    results: Mapping[str, Any] | None


def past_runs(runs: Path) -> list[Past]:
    """Return every run under ``runs``, oldest first; a line on standard error names each that cannot be read."""
    paths = [(path.lstat().st_mtime, path) for path in runs.glob(f"*/{RESULTS}")]
    return [Past(path.parent, written, _results(path)) for written, path in sorted(paths)]


def find_run(name: str | None, runs: Path) -> Path:
    """Return the folder of a run by path or by name under ``runs``; without a name the newest readable one.

    Raises UserError if there is none.
    """
    if name is None:
        every = past_runs(runs)
        readable = [past for past in every if past.results is not None]
        if not readable:
            raise UserError(f"There is no run under {runs}.", do="Start one: noisy-student run.", code="no-runs")
        return readable[-1].folder
    for folder in (Path(name), runs / name):
        if (folder / RESULTS).is_file() and (folder / CURVES).is_file():
            return folder
    known = [path.parent.name for path in runs.glob(f"*/{RESULTS}")]
    raise UserError(
        f'There is no run "{name}".',
        why=f"A run is a folder with {RESULTS} and {CURVES}.",
        do=nearest(name, known) if known else "Start one: noisy-student run.",
        code="unknown-run",
    )


def _results(path: Path) -> Mapping[str, Any] | None:
    try:
        return read_results(path)
    except UserError as error:
        remark(f"Left out: {error}")
    except FileNotFoundError:
        remark(f"Left out: {path} is a link to a missing file.")
    return None
