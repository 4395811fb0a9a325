"""Timing of a study on this machine: a few samples and a few steps of each training, for the forecast.

Two tiny runs with the study's settings go through the ordinary stages in a folder of their own in the store, from which
an interrupted timing goes on, and the manifests stay as ``timing/<digest>.json``. Two sizes tell fixed costs apart from
those that grow with the work.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator

from noisy_student import documents, files, identity
from noisy_student.data.parts import sizes_of
from noisy_student.documents import Document, shape
from noisy_student.errors import UserError
from noisy_student.models.availability import local as local_folder
from noisy_student.models.availability import parameters
from noisy_student.pipeline import provenance
from noisy_student.pipeline.manifest import FACTS, MAKING, Stored, stored
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Listener, run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local
from noisy_student.study.forecast.history import Observation, observations
from noisy_student.study.forecast.workload import asked
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.conditions import (
    GOLD,
    LABELS,
    ConditionSettings,
    GrpoCondition,
    TrainedCondition,
    UntrainedCondition,
)
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.methods import METHODS
from noisy_student.study.settings.study import Settings

FOLDER = "timing"
UNTRAINED, TIMED = "untrained", "timed"
FLOPS = 1e10
"""Operations a second of one thread, for the announced length of a timing."""
STEP_SECONDS = 0.7
"""Of any step, however small."""
SMALL_MODEL = 50_000_000
"""Bytes of weights up to which a model is timed with hundreds of samples, which take seconds."""
_LOG = logging.getLogger(__name__)
_KEPT = ("seconds", "cpu_seconds", "imported", "host", "ended")


_ROW = {"name": str, "key": str, "facts": FACTS, "outcome": Literal["done", "skipped"], "summary": dict[str, Any]}
_Row = shape(Document, {**_ROW, "provenance": MAKING})


def _own_key(row: Any) -> Any:
    # A result that was its own input would never end.
    if row.key != identity.digest(row.facts.model_dump()):
        raise ValueError("the key is not the digest of the facts")
    return row


class Timing(Document):
    """The file of a timing: rows as ``Stored`` has them."""

    do: ClassVar[str] = "Time this model again: noisy-student plan STUDY --calibrate, which writes the file anew."

    rows: list[Annotated[_Row, AfterValidator(_own_key)]]  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class TimingSize:
    """Size of one tiny run: questions by part, and steps of GRPO."""

    labeled: int
    unlabeled: int
    test: int
    steps: int


SMALL = (
    TimingSize(labeled=40, unlabeled=24, test=32, steps=2),
    TimingSize(labeled=200, unlabeled=160, test=192, steps=8),
)
"""Of a small model: about 20 seconds in the lab."""
LARGE = (TimingSize(labeled=10, unlabeled=4, test=4, steps=1), TimingSize(labeled=20, unlabeled=8, test=8, steps=2))
"""Of any other: a few dozen samples and a handful of steps."""


def measure(
    settings: Settings,
    root: Path,
    *,
    notice: Callable[[str], None] = lambda text: None,
    on_nodes: Callable[[Sequence[Node], str], None] = lambda nodes, line: None,
    on_event: Listener = lambda event: None,
) -> Path:
    """Time the study's stages and keep the results under the store's ``root``; returns the file.

    ``on_nodes`` gets the missing steps and a line about them. Raises Interrupted; what was timed is kept then, too.
    Results of an earlier timing of the same model stay for stages that are not timed now. Raises UserError where no
    sample could be drawn.
    """
    path = timing_path(settings, root)
    folder = path.with_suffix("")
    store = Store(folder, notice=notice)
    targets = [node for size in _sizes(settings) for node in _targets(timing_study(settings, size))]
    missing = [node for node in parents_first(targets) if not store.cached(node)]
    on_nodes(missing, _announced(settings, missing))
    run_graph(targets, store, executor=local(store, workers=1), on_event=on_event)
    rows = [_trimmed(result) for result in stored(folder).values() if result.outcome == "done"]
    if not any(row["facts"]["stage"] == "sample" for row in rows):
        raise UserError(
            "The timing run drew no sample.",
            why="Forecasts need the rate of at least one sampling step.",
            do="Run the study with --limit 50 to see the error.",
            code="timing-without-samples",
        )
    fresh = {row["facts"]["stage"] for row in rows}
    kept = [row for row in _rows(path) if row["facts"]["stage"] not in fresh]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, {"schema": 1, "of": _facts(settings), "rows": [*kept, *rows]})
    shutil.rmtree(folder, ignore_errors=True)
    return path


def _announced(settings: Settings, nodes: Sequence[Node]) -> str:
    """Return the number of steps and their time by the model's size; longer on a busy machine, shorter on a GPU."""
    folder = local_folder(settings.model)
    weights = None if folder is None else parameters(folder)
    start = f"Timing {len(nodes)} small steps"
    if weights is None:
        return f"{start}; an interrupted timing goes on where it stopped."
    sampled = (node for node in nodes if node.stage == "sample" and "block" in node.spec)
    drawn = sum(asked(node) * node.spec["decoding"]["max_new_tokens"] for node in sampled)
    seconds = len(nodes) * STEP_SECONDS + 2 * weights * drawn / (FLOPS * settings.compute.threads)
    return f"{start}, about {duration_of(seconds)}; an interrupted timing goes on where it stopped."


def duration_of(seconds: float) -> str:
    """Return a rough length of time.

    >>> duration_of(40), duration_of(500)
    ('1 min', '9 min')
    """
    return f"{max(1, math.ceil(seconds / 60))} min"


def timing_path(settings: Settings, root: Path) -> Path:
    """Return the file for the timing of this model, engine, threads and versions, which may not exist yet."""
    return root / FOLDER / f"{identity.digest(_facts(settings))[:16]}.json"


def past(settings: Settings, root: Path, left_out: Callable[[str], None] = _LOG.warning) -> list[Observation]:
    """Return every timed step: the results under a store's ``root``, and its timing of this model.

    ``left_out`` receives a line for each document that does not fit.
    """
    rows = {row["key"]: Stored(**row) for row in _rows(timing_path(settings, root), left_out)}
    found = observations(stored(root, left_out), left_out=left_out)
    return [*found, *observations(rows, from_timing=True, left_out=left_out)]


def timing_study(settings: Settings, size: TimingSize) -> Settings:
    """Return the study with few questions, one seed, an untrained teacher, and a condition for each way of training."""
    pool, share = _pool(settings, size)
    source = settings.data.model_copy(
        update={"labeled": size.labeled, "unlabeled": pool, "test": size.test, "limit": None}
    )
    # A probe may end early, and a ladder waits for others.
    grpo = settings.grpo.model_copy(update={"most_steps": size.steps, "probe": None})
    labels = {TIMED: LabelSettings(teacher=UNTRAINED, K=8, share=share)}
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
            "conditions": {UNTRAINED: UntrainedCondition(), **dict(_ways(settings, size))},
            "primary": {},
            "predictions": {},
            "decide": (),
            "teacher": UNTRAINED,
            "seeds": settings.seeds[:1],
            "compute": settings.compute.model_copy(update={"workers": 1, "block": size.unlabeled}),
        }
    )


def _pool(settings: Settings, size: TimingSize) -> tuple[int, float]:
    """Unlabeled questions of the timing's split, and the share of them that is asked.

    Generated questions are distinct, so short ones run out: the first hundred are easier than the first thousands. The
    split is therefore as large as the study's own.
    """
    if settings.data.source.kind != "procedural":
        return size.unlabeled, 1.0
    whole = sizes_of(settings.data)
    pool = max(size.unlabeled, whole.labeled + whole.unlabeled + whole.test - size.labeled - size.test)
    return pool, size.unlabeled / pool


def _ways(settings: Settings, size: TimingSize) -> Iterator[tuple[str, ConditionSettings]]:
    """One condition for each method, adapter and kind of labels: of GRPO, whose steps are dear, whatever labels."""
    seen: set[str] = set()
    for name, item in settings.conditions.items():
        if not isinstance(item, TrainedCondition):
            continue
        kinds = sorted({GOLD if source == GOLD else LABELS for source in item.train})
        lora = None if item.lora is None else item.lora.model_dump(mode="json")
        samples = METHODS.get(item.method).samples
        way = identity.canonical([item.method, lora, item.overrides.get("max_new_tokens") if samples else kinds])
        if way in seen:
            continue
        seen.add(way)
        timed = tuple(GOLD if kind == GOLD else f"{LABELS}{TIMED}" for kind in kinds)
        fields: dict[str, Any] = {"train": (GOLD,) if samples else timed}
        if isinstance(item, GrpoCondition):
            fields |= {"grpo": {**item.grpo, "most_steps": size.steps, "probe": None}}
        yield name, type(item)(method=item.method, lora=item.lora, **fields)


def _targets(settings: Settings) -> list[Node]:
    """The untrained model's grade, every training and every vote; sampling a student costs as much as its base."""
    planned = plan(settings)
    targets = [item.grade for item in planned.conditions if item.train is None]
    targets += [item.train for item in planned.conditions if item.train is not None]
    judged = [item.quality for item in planned.labels if item.quality is not None]
    return [*targets, *(item.labels for item in planned.labels), *judged]


def _sizes(settings: Settings) -> Sequence[TimingSize]:
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
    how = {name: result.provenance[name] for name in _KEPT if name in result.provenance}
    return {**asdict(result), "provenance": how}


def _rows(path: Path, left_out: Callable[[str], None] = _LOG.warning) -> list[dict[str, Any]]:
    try:
        return list(documents.read(path, Timing).model_dump()["rows"])
    except UserError as error:
        left_out(f"Left out: {error}")
    except FileNotFoundError:
        pass
    return []
