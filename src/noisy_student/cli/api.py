"""The Python interface of ``noisy-student run``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.cli.console import remark
from noisy_student.cli.options import PROTOCOL, RUNS, SCALE, STORE, STUDY
from noisy_student.cli.run import write_page
from noisy_student.study.run import Place, Run
from noisy_student.study.run import run as run_settings
from noisy_student.study.settings.files import Request, resolve


def run(
    study: str = STUDY,
    *,
    scale: str = SCALE,
    protocol: str = PROTOCOL,
    seeds: Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    place: Place | str | Path | None = None,
) -> Run:
    """Run a study, or go on with it, and return the run; raises UserError for faults that the user can fix.

    ``overrides`` maps dotted field names to values; ``place`` is the folder of store and runs, by default the current.
    """
    fields = dict(overrides or {}) | ({} if seeds is None else {"seeds": list(seeds)})
    where = place if isinstance(place, Place) else Place(*(Path(place or ".") / name for name in (STORE, RUNS)))
    made = run_settings(resolve(Request(study, scale, protocol, fields)), place=where, notice=remark)
    write_page(made)
    return made
