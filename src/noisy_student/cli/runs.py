"""Find run folders: all, the newest, or one by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError, nearest
from noisy_student.study.run import CURVES, RESULTS

STRANGE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Exceptions raised while showing JSON that no run has written."""


@dataclass(frozen=True, slots=True)
class Past:
    """A past run: its folder, when its results were written, and the results, None if unreadable."""

    folder: Path
    written: float
    results: Mapping[str, Any] | None


def past_runs(runs: Path) -> list[Past]:
    """Return every run under ``runs``, oldest first."""
    paths = [(path.stat().st_mtime, path) for path in runs.glob(f"*/{RESULTS}")]
    return [Past(path.parent, written, _results(path)) for written, path in sorted(paths)]


def find_run(name: str | None, runs: Path) -> Path:
    """Return the folder of a run by path or by name under ``runs``; without a name the newest.

    Raises UserError if there is none.
    """
    if name is None:
        every = past_runs(runs)
        if not every:
            raise UserError(f"There is no run under {runs}.", do="Start one: noisy-student run.", code="no-runs")
        return every[-1].folder
    if (found := run_named(name, runs)) is not None:
        return found
    known = [path.parent.name for path in runs.glob(f"*/{RESULTS}")]
    raise UserError(
        f'There is no run "{name}".',
        why=f"A run is a folder with {RESULTS} and {CURVES}.",
        do=nearest(name, known) if known else "Start one: noisy-student run.",
        code="unknown-run",
    )


def run_named(name: str, runs: Path) -> Path | None:
    """Return the folder of the run with this path, or this name under ``runs``; None if there is none."""
    folders = (Path(name), runs / name)
    return next((path for path in folders if (path / RESULTS).is_file() and (path / CURVES).is_file()), None)


def _results(path: Path) -> Mapping[str, Any] | None:
    try:
        found = files.read_json(path)
    except (OSError, UserError, ValueError):
        return None
    return found if isinstance(found, dict) else None
