"""Shapes of the files in a run's folder: ``results.json`` and ``curves.json``, as any version has written them.

Every field may be missing, since a partial run lacks some and an older version others; a field that is there has the
type that readers rely on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from noisy_student import documents
from noisy_student.documents import Count, Document, Time, shape
from noisy_student.errors import UserError

RESULTS, CURVES = "results.json", "curves.json"

Votes = Annotated[int, Field(ge=0, le=10_000)]
"""Samples of one question, and votes among them."""
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
Table = dict[str, Any]


def _fields(names: str, kind: Any) -> Table:
    return dict.fromkeys(names.split(), kind)


_TEXTS = """name a b because check condition control_of detail expected family graded_on kind labels measure measured
    method outcome reason remedy source stage status stopping taken teacher then threshold unit verdict waived"""
_NUMBERS = """above abstained accepted accuracy actual_cpu_seconds agreement below coverage cpu_seconds difference
    estimate flops format gold_episodes label_accuracy learning_rate margin mde p_adjusted p_value p_worse precision
    prompt_tokens pseudo_episodes ratio reasoning revealed_episodes reward_bits right sampled_accuracy sampled_tokens
    samples samples_per_label seconds single_accuracy steps stop_rate strict_accuracy temperature tie_rate tokens
    tokens_per_label trainable_parameters trained_on trained_tokens truncated usd wall_seconds"""
_COUNTS = "added calls correct flipped mended n nodes questions seeds selected spoiled without_estimate"
Row = shape(
    Document,
    **_fields(_TEXTS, str),
    **_fields(_NUMBERS, float),
    **_fields(_COUNTS, Count),
    **_fields("k votes", Votes),
    **_fields("beaten holds primary", bool),
    **{"seed": int, "interval": Interval, "learns_from": list[str], "value": float | str},
)
"""A row of any table of the results: a field has one type in all of them."""


def _rows(base: type[Document] = Document, needed: Table | None = None, /, **optional: Any) -> Any:
    """Return the type of a list of objects."""
    return list[shape(base, needed, **optional)]  # type: ignore[misc]


_tried = _rows(Document, {"rate": float, "n": Annotated[int, Field(ge=1, le=10**12)], "right": Count | None})
_diagnoses = _rows(Document, {"step": Count, **_fields("name evidence cause remedy", str)})
_health = shape(Document, {"looks": list[Count], "found": _diagnoses, "misleading": list[str]})
_groups = _rows(Document, {"origin": str, "label": str, "kind": str, "groups": Count})
_on_dev = {"questions": Count | None, "accuracy": float | None, "single_accuracy": float | None, "interval": Interval}
_pair = Annotated[list[Annotated[float, Field(ge=0, le=1e4)]], Field(min_length=2, max_length=2)]
_rungs = _rows(
    Row,
    {
        "name": str,
        "status": str,
        "criteria": _rows(Row, {"held": bool}, value=Any),
        "metrics": dict[str, float | None],
    },
)
_ladder = {"seed": int, "rungs": _rungs, "recommended": list[str] | None}
_curve = {"condition": str, "seed": int, "questions": Count, "k": Votes}
_points = _rows(Document, {"k": Votes, "pass": float, "maj": float})


class _OfRun(Document):
    do: ClassVar[str] = "Run its study again: stored results are only read, and the file is written anew."


Results = shape(
    _OfRun,
    **_fields("study question scale protocol model status digest command run_dir machine", str),
    **_fields("preflight findings criteria gap_recovered selections predictions", _rows(Row)),
    data=dict[str, Any] | str,
    seeds=list[int],
    seconds=Time,
    versions=dict[str, str | None],
    conditions=_rows(Row, tried=_tried, health=_health, group_quality=shape(Document, groups=_groups)),
    labels=_rows(
        Row,
        k=Annotated[int, Field(ge=1, le=10_000)],
        curve=list[_pair],
        by_level=_rows(Row, {"votes": Votes}),
        on_dev=shape(Row, _on_dev),
    ),
    ladder=_rows(Document, {**_ladder, **_fields("before after held", str | None)}),
    rounds=_rows(
        Row, alarms=_rows(Document, {"name": str, "before": float, "now": float}), before=Row, now=Row, lineage=Row
    ),
    passes=shape(
        Document, curves=_rows(Document, {**_curve, "points": _points}), gains=_rows(Row, {"one": Row, "many": Row})
    ),
    costs=shape(Document, stages=_rows(Row), totals=Row),
    notes=list[str],
    # A run can be repeated from its study file, not from here.
    settings=shape(
        Document,
        compute=shape(Document, workers=Annotated[int, Field(ge=1)], usd_per_hour=float),
        grpo=Table,
        labels=dict[str, Table],
        data=Table,
    ),
    forecast=shape(Row, stages=_rows(Row)),
    decision=shape(Row, rows=_rows(Row, **{"if": str})),
)
_curve_points = _rows(
    Document,
    {"step": Annotated[float, Field(ge=0, le=1e12)]},
    **_fields("loss reward right mixed kl mean_length stopped dev", float),
    found=list[str],
)
Curves = shape(_OfRun, {"curves": dict[str, _curve_points]})  # type: ignore[valid-type]
"""``curves.json``: the points of each student, under a name of our own."""


class _Identity(Document):
    digest: str | None = None


def read_results(path: Path) -> dict[str, Any]:
    """Read a ``results.json``; raises UserError with file and field if it does not fit, OSError if it is missing."""
    value = documents.read_plain(path, Results)
    documents.fitted(value, Results, place=str(path))
    found: dict[str, Any] = value
    return found


def read_curves(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read a ``curves.json``; raises as ``read_results`` does."""
    value = documents.read_plain(path, Curves)
    documents.fitted({"curves": value}, Curves, place=str(path))
    found: dict[str, list[dict[str, Any]]] = value
    return found


def digests(
    runs: Iterable[Path],
    left_out: Callable[[UserError], None],
    *,
    pattern: str = "*",
    skipped: Collection[Path] = (),
) -> dict[str, Path]:
    """Return the folder of every run below the folders ``runs``, by the run's digest; sorted, the first of equal ones.

    ``pattern`` selects folders by name, without the ``skipped``. Only the digest is compared with its type, so other
    odd fields do no harm. ``left_out`` receives the error of an unreadable file.
    """
    found: dict[str, Path] = {}
    paths = (path for folder in sorted(runs) for path in sorted(folder.glob(f"{pattern}/{RESULTS}")))
    wanted = (path for path in paths if path.parent not in skipped)
    for path, identity in documents.read_each(wanted, _Identity, left_out):
        if identity.digest is not None:
            found.setdefault(identity.digest, path.parent)
    return found
