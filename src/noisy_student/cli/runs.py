"""Find run folders: all, the newest, or one by name; and the settings in which runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.cli.console import remark
from noisy_student.cli.why import flat
from noisy_student.errors import UserError, nearest
from noisy_student.report.numbers import DASH
from noisy_student.study.forecast.ledger import FinishedRun
from noisy_student.study.results.document import CURVES, RESULTS, read_results

STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Exceptions raised while showing JSON that no run has written, in fields without a model."""
UNSHOWN = ("question", "note", "name", "primary", "predictions", "decide")
"""Settings that say what is asked, not what is computed."""


def past_runs(runs: Path) -> list[FinishedRun]:
    """Return every run under ``runs``, oldest first; a line on standard error names each that cannot be read."""
    paths = [(path.lstat().st_mtime, path) for path in runs.glob(f"*/{RESULTS}")]
    return [FinishedRun(path.parent, written, _results(path)) for written, path in sorted(paths)]


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


def differing(settings: Sequence[Any], *, hidden: Sequence[str] = UNSHOWN) -> dict[str, list[Any]]:
    """Return the dotted fields in which settings differ, with the value in each; None where one has no such field.

    >>> differing([{"sft": {"epochs": 3.0}, "seeds": [1]}, {"sft": {"epochs": 2.0}, "seeds": [1]}])
    {'sft.epochs': [3.0, 2.0]}
    """
    leaves = [dict(flat(each)) if isinstance(each, Mapping) else {} for each in settings]
    names = dict.fromkeys(name for each in leaves for name in each if name.partition(".")[0] not in hidden)
    values = {name: [each.get(name) for each in leaves] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def value_text(value: Any) -> str:
    """Return a setting's value in one short line."""
    if value is None:
        return DASH
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _results(path: Path) -> Mapping[str, Any] | None:
    try:
        return read_results(path)
    except UserError as error:
        remark(f"Left out: {error}")
    except FileNotFoundError:
        remark(f"Left out: {path} is a link to a missing file.")
    return None
