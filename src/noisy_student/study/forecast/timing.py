"""A rehearsal of a study on this machine: a few samples and a few steps of each training, timed for the forecast.

The study's own settings come in; two tiny runs of them go through the ordinary stages in a folder that is thrown away,
and the manifests stay as ``calibration/<digest>.json`` in the store. Two sizes, so that what a step takes whatever its
size is told apart from what grows with the work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from noisy_student import files, identity
from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.pipeline import provenance
from noisy_student.pipeline.manifest import Stored, stored
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.runner import run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local
from noisy_student.study.forecast.history import Observation, observations
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.conditions import GOLD, LABELS, ConditionSettings, LabelSettings
from noisy_student.study.settings.study import Settings

FOLDER = "calibration"
UNTRAINED, REHEARSED = "untrained", "rehearsed"
SMALL_MODEL = 50_000_000
"""Bytes of weights up to which a model is rehearsed with hundreds of samples: they take seconds."""
_KEPT = ("seconds", "cpu_seconds", "imported", "host", "ended")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is rehearsed: questions by part, and steps of GRPO."""

    labeled: int
    unlabeled: int
    test: int
    steps: int


SMALL = (Size(labeled=40, unlabeled=24, test=32, steps=2), Size(labeled=200, unlabeled=160, test=192, steps=8))
"""Of a small model: about 20 seconds in the lab."""
LARGE = (Size(labeled=10, unlabeled=4, test=4, steps=1), Size(labeled=20, unlabeled=8, test=8, steps=2))
"""Of any other: a few dozen samples and a handful of steps."""


def calibrate(settings: Settings, root: Path, *, notice: Callable[[str], None] = lambda text: None) -> Path:
    """Rehearse the study and keep what it took under the store's ``root``; the file that holds it.

    What an earlier calibration of the same model found of other stages stays. UserError where nothing could be done.
    """
    with tempfile.TemporaryDirectory(prefix="noisy-student-calibration-") as folder:
        store = Store(Path(folder), notice=notice)
        for size in _sizes(settings):
            targets = _targets(rehearsal(settings, size))
            run_graph(targets, store, executor=local(store, workers=1))
        rows = [_trimmed(result) for result in stored(Path(folder)).values() if result.outcome == "done"]
    if not any(row["facts"]["stage"] == "sample" for row in rows):
        raise UserError(
            "The calibration could not draw a single sample.",
            why="Without one there is nothing to forecast from.",
            do="Run the study with --limit 50 and see what it says.",
        )
    path = path_of(settings, root)
    fresh = {row["facts"]["stage"] for row in rows}
    kept = [row for row in _rows(path) if row["facts"]["stage"] not in fresh]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, {"schema": 1, "of": _facts(settings), "rows": [*kept, *rows]})
    return path


def path_of(settings: Settings, root: Path) -> Path:
    """Where the calibration of this model, engine, threads and versions is kept, whether it was made or not."""
    return root / FOLDER / f"{identity.digest(_facts(settings))[:16]}.json"


def calibration(settings: Settings, root: Path) -> list[Observation]:
    """What the calibration of this model found; nothing where there is none."""
    rows = {row["key"]: Stored(**row) for row in _rows(path_of(settings, root))}
    return observations(rows, rehearsed=True)


def rehearsal(settings: Settings, size: Size) -> Settings:
    """The study with few questions, one seed, an untrained teacher, and one condition of each way of training."""
    pool, share = _pool(settings, size)
    source = settings.data.model_copy(
        update={"labeled": size.labeled, "unlabeled": pool, "test": size.test, "limit": None}
    )
    # A probe may end early, and a ladder waits for others.
    grpo = settings.grpo.model_copy(update={"most_steps": size.steps, "probe": None})
    labels = {REHEARSED: LabelSettings(teacher=UNTRAINED, K=8, share=share)}
    labels |= {
        name: label.model_copy(update={"teacher": UNTRAINED, "share": share})
        for name, label in settings.labels.items()
        if label.stops_early and label.samples is None
    }
    return settings.model_copy(
        update={
            "data": source,
            "grpo": grpo,
            "labels": labels,
            "conditions": {UNTRAINED: ConditionSettings(method="none"), **dict(_ways(settings, size))},
            "primary": {},
            "predictions": {},
            "decide": (),
            "teacher": UNTRAINED,
            "seeds": settings.seeds[:1],
            "compute": settings.compute.model_copy(update={"workers": 1, "block": size.unlabeled}),
        }
    )


def _pool(settings: Settings, size: Size) -> tuple[int, float]:
    """Unlabeled questions of the rehearsal's split, and the share of them that is asked.

    Generated questions are distinct, so short ones run out: the first hundred are easier than the first thousands. The
    split is therefore as large as the study's own.
    """
    if settings.data.source.kind != "procedural":
        return size.unlabeled, 1.0
    whole = sizes_of(settings.data)
    pool = max(size.unlabeled, whole.labeled + whole.unlabeled + whole.test - size.labeled - size.test)
    return pool, size.unlabeled / pool


def _ways(settings: Settings, size: Size) -> Iterator[tuple[str, ConditionSettings]]:
    """One condition for each method, adapter and kind of labels: of GRPO, whose steps are dear, whatever labels."""
    seen: set[str] = set()
    for name, item in settings.conditions.items():
        if not item.train:
            continue
        kinds = sorted({GOLD if source == GOLD else LABELS for source in item.train})
        lora = None if item.lora is None else item.lora.model_dump(mode="json")
        cap = item.grpo.get("max_new_tokens")
        way = identity.canonical([item.method, lora, cap if item.method == "grpo" else kinds])
        if way in seen:
            continue
        seen.add(way)
        train = (GOLD,) if item.method == "grpo" else tuple(_source(kind) for kind in kinds)
        own = {**item.grpo, "most_steps": size.steps, "probe": None} if item.method == "grpo" else {}
        yield name, ConditionSettings(method=item.method, train=train, lora=item.lora, grpo=own)


def _source(kind: str) -> str:
    return GOLD if kind == GOLD else f"{LABELS}{REHEARSED}"


def _targets(settings: Settings) -> list[Node]:
    """The untrained model's grade, every training and every vote: students are drawn from as their base is."""
    planned = plan(settings)
    targets = [item.grade for item in planned.conditions if item.train is None]
    targets += [item.train for item in planned.conditions if item.train is not None]
    return targets + [node for item in planned.labels for node in (item.labels, item.quality)]


def _sizes(settings: Settings) -> Sequence[Size]:
    folder = Path(Inputs(settings).base.paths["model"])
    weights = [*folder.glob("*.safetensors")] if folder.is_dir() else []
    small = bool(weights) and sum(path.stat().st_size for path in weights) <= SMALL_MODEL
    return SMALL if small else LARGE


def _facts(settings: Settings) -> dict[str, Any]:
    return {
        "model": dict(Inputs(settings).base.spec),
        "engine": settings.compute.engine,
        "threads": settings.compute.threads,
        "versions": provenance.libraries(),
    }


def _trimmed(result: Stored) -> dict[str, Any]:
    """A result without what the forecast does not read."""
    how = {name: result.provenance[name] for name in _KEPT if name in result.provenance}
    return {**asdict(result), "provenance": how}


def _rows(path: Path) -> list[Mapping[str, Any]]:
    return list(files.read_json(path)["rows"]) if path.is_file() else []
