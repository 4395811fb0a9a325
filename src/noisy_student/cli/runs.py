"""The folders of runs: all of them, the newest, or the one that the user names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError, nearest
from noisy_student.study.run import CURVES, RESULTS

STRANGE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What showing a document raises that is JSON, but not what a run of ours has written."""


@dataclass(frozen=True, slots=True)
class Past:
    """A run that was written: its folder, when, and its results; None if they cannot be read."""

    folder: Path
    written: float
    results: Mapping[str, Any] | None


def past_runs(runs: Path) -> list[Past]:
    """Every run under ``runs``, oldest first."""
    paths = [(path.stat().st_mtime, path) for path in runs.glob(f"*/{RESULTS}")]
    return [Past(path.parent, written, _results(path)) for written, path in sorted(paths)]


def find_run(name: str | None, runs: Path) -> Path:
    """The folder of the run called so, there or under ``runs``; the newest one without a name."""
    if name is None:
        every = past_runs(runs)
        if not every:
            raise UserError(f"There is no run under {runs}.", do="Start one: noisy-student run.")
        return every[-1].folder
    for folder in (Path(name), runs / name):
        if (folder / RESULTS).is_file() and (folder / CURVES).is_file():
            return folder
    known = [path.parent.name for path in runs.glob(f"*/{RESULTS}")]
    raise UserError(
        f'There is no run "{name}".',
        why=f"A run is a folder with {RESULTS} and {CURVES}.",
        do=nearest(name, known) if known else "Start one: noisy-student run.",
    )


def _results(path: Path) -> Mapping[str, Any] | None:
    try:
        found = files.read_json(path)
    except (OSError, UserError, ValueError):
        return None
    return found if isinstance(found, dict) else None
