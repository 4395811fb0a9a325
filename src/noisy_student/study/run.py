"""One run, from settings to a folder: plan, compute what the store lacks, collect, write ``results.json``.

The same command finds its folder again, so a paused run is completed in place and a finished one is only read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from noisy_student import files, identity
from noisy_student.errors import UserError
from noisy_student.pipeline import provenance
from noisy_student.pipeline.attempt import Outcome
from noisy_student.pipeline.garbage import adopt, calls, finish, rooted
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Event, Listener, Result, run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local
from noisy_student.study.plan.gold import gold_ahead
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.plan.ready import require_own_model, require_ready
from noisy_student.study.results.document import CURVES, RESULTS, digests, read_curves, read_results
from noisy_student.study.results.export import export
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.study import Settings

if TYPE_CHECKING:
    from noisy_student.study.forecast.forecast import Expected
    from noisy_student.study.forecast.outlook import OutlookNodes


def in_order(
    plan: Plan, store: Store, *, ahead: OutlookNodes | None, deadline: float | None, on_event: Listener
) -> Result:
    """Compute the missing results; where a pre-flight check fails, the others are ``skipped`` in this run only.

    The outlook ``ahead`` comes first: raises UserError where it advises against the study.

    Skipped results are not written into the store, so that ``preflight=false`` finds them missing. Stored results are
    kept. Raises Interrupted as ``run_graph`` does.
    """

    def compute(targets: Sequence[Node]) -> Result:
        executor = local(store, workers=plan.settings.compute.workers)
        return run_graph(targets, store, executor=executor, deadline=deadline, on_event=on_event)

    if ahead is not None:
        sampled = compute(list(ahead.votes.values()))
        if sampled.status != "paused":
            _judge(ahead, store, sampled)
    if plan.preflight is None:
        return compute(plan.targets)
    first = compute(plan.preflight.targets)
    # Statistics need scipy, which a run without checks must not wait for.
    from noisy_student.study.results.preflight import preflight, preflight_error

    failed = preflight_error(preflight(RunView(plan, store, first)))
    if failed is None:
        rest = compute(plan.targets)
        return Result({**first.nodes, **rest.nodes}, {**first.outcomes, **rest.outcomes})
    nodes, outcomes, reason = dict(first.nodes), dict(first.outcomes), str(failed)
    for node in parents_first(plan.targets):
        if node.key not in nodes and not store.cached(node):
            nodes[node.key], outcomes[node.key] = node, Outcome("skipped", reason)
            on_event(Event("skipped", node, reason=reason))
    return Result(nodes, outcomes)


def _outlook_ahead(plan: Plan, store: Store) -> OutlookNodes | None:
    """Return the outlook that a study of the user's own questions begins with; None for others and with --anyway."""
    settings = plan.settings
    if not settings.own_data or settings.checks.anyway or settings.checks.only:
        return None
    if all(label.samples is not None for label in settings.labels.values()):
        # No vote of a model decides: labels come from files, or there are none.
        return None
    # Statistics need scipy, which a cached run must not wait for.
    from noisy_student.study.forecast.outlook import outlook_nodes

    return outlook_nodes(settings, store, untrained=True)


def _judge(ahead: OutlookNodes, store: Store, sampled: Result) -> None:
    from noisy_student.study.forecast.outlook import fault_of, judged

    seen = judged(ahead, store, sampled)
    if (fault := fault_of(seen, ahead.asked)) is not None:
        raise fault
    store.notice(f"Outlook: {seen.advice}: {seen.reason}")


GRADES = "grades.parquet"
NEEDED = frozenset({"conditions", "findings", "labels", "model", "data", "command", "settings", "status"})
"""Fields of finished results that the end of a run reads."""


@dataclass(frozen=True, slots=True)
class Place:
    """Folders of results: the store shared by all runs, and the folder of run folders."""

    store: Path = Path(".noisy-student")
    runs: Path = Path("runs")


@dataclass(frozen=True, slots=True)
class Run:
    """A run on disk and its results, as ``results.json`` holds them; ``grades()`` reads every single grade."""

    folder: Path
    results: dict[str, Any]
    curves: dict[str, list[dict[str, Any]]]

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The comparisons, primary ones first."""
        found: list[dict[str, Any]] = self.results.get("findings") or []
        return found

    @property
    def conditions(self) -> list[dict[str, Any]]:
        """The conditions of every seed: status, accuracy, what each learned from."""
        found: list[dict[str, Any]] = self.results.get("conditions") or []
        return found

    def grades(self) -> list[dict[str, Any]]:
        """Read every grade of the compared decoding: seed, condition and the fields of ``records.Grade``."""
        # Arrow is slow to import, and most callers need no single grades.
        from noisy_student.data.parquet import read_parquet

        return read_parquet(self.folder / GRADES)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.results.get('status')}, {len(self.conditions)} conditions)"


def run(
    settings: Settings,
    *,
    place: Place,
    deadline: float | None = None,
    on_event: Listener = lambda event: None,
    notice: Callable[[str], None] = print,
    on_plan: Callable[[Plan, Sequence[Expected]], None] = lambda planned, expected: None,
) -> Run:
    """Compute the missing results and write the run's folder; ``deadline`` is a time.time().

    ``on_plan`` is called once before anything is computed, with the forecast of every missing node; not at all if
    nothing is missing. Raises Interrupted after a signal; committed results are kept. Raises UserError for everything
    that would stop the run later and can be known before its first step.
    """
    provenance.require()
    store = Store(place.store, notice=notice)
    planned = plan(settings)
    digest = run_digest(planned)
    found = _folder_of(place.runs, settings.name, digest)
    # A pre-flight reads the free disk space anew.
    known = found is not None and planned.preflight is None and (found / CURVES).is_file()
    # An older version wrote no grades; a folder that may only be read is shown without them.
    known = known and found is not None and ((found / GRADES).is_file() or not os.access(found, os.W_OK))
    if found is not None and known and all(store.cached(node) for node in planned.targets):
        require_own_model(settings)
        made = _reopened(found, notice)
        if made is not None:
            adopt(store.root, digest, parents_first(planned.targets), _command(), found)
            export(RunView(planned, store), made.folder, made.results, notice=notice)
            return made
    started = provenance.Moment.now()
    require_ready(planned, store.cached, store=store.root, runs=place.runs)
    ahead = _outlook_ahead(planned, store)
    first = [] if ahead is None else parents_first(list(ahead.votes.values()))
    expected = _forecast(planned, store, digest, first)
    on_plan(planned, expected)
    begun = all(store.cached(node) for node in parents_first(planned.targets) if node.stage == "split")
    # Reading the tokenizer takes seconds, which a run that goes on does not spend again.
    for gold in () if begun else gold_ahead(planned):
        if gold.words:
            notice(gold.words)
    compute, nodes = planned.settings.compute, parents_first([*first, *planned.targets])
    workers = compute.workers if expected else None
    with rooted(store.root, digest, nodes, _command(), workers=workers, usd_per_hour=compute.usd_per_hour):
        result = in_order(planned, store, ahead=ahead, deadline=deadline, on_event=on_event)
    made = _made(planned, store, result, place=place, digest=digest, started=started)
    finish(store.root, digest, made.folder)
    export(RunView(planned, store, result), made.folder, made.results, notice=notice)
    return made


def _reopened(folder: Path, notice: Callable[[str], None]) -> Run | None:
    """Read a finished run; None where its files do not fit, so that the results are collected anew from the store."""
    try:
        made = open_run(folder)
        if lacking := sorted(NEEDED - made.results.keys()):
            raise UserError(f'{folder / RESULTS} has no "{lacking[0]}".', code="results-malformed")
    except (UserError, OSError) as error:
        notice(f"{error} The results are collected anew from the store.")
        return None
    return made


def _forecast(planned: Plan, store: Store, digest: str, first: Sequence[Node]) -> list[Expected]:
    """The forecast of the missing nodes, after those that come ``first``; that of the plan's own is written down."""
    # Fitting rates needs scipy, which a cached run must not wait for.
    from noisy_student.study.forecast.forecast import forecast, totals
    from noisy_student.study.forecast.forecast_vs_actual import keep_forecast
    from noisy_student.study.forecast.timing import past

    settings = planned.settings
    missing = [node for node in parents_first(planned.targets) if not store.cached(node)]
    known = past(settings, store.root, store.notice)
    rows = forecast(missing, known, settings.compute)
    keep_forecast(store.root, digest, rows, totals(rows, settings.compute))
    own = {node.key for node in missing}
    others = [node for node in first if node.key not in own and not store.cached(node)]
    return [*forecast(others, known, settings.compute), *rows]


def _made(planned: Plan, store: Store, result: Result, *, place: Place, digest: str, started: provenance.Moment) -> Run:
    """The results of what was computed, in the run's folder."""
    # Statistics need scipy, which a cached run must not wait for.
    from noisy_student.data.parquet import write_parquet
    from noisy_student.study.forecast.forecast_vs_actual import forecast_vs_actual, kept_forecast
    from noisy_student.study.results.results import collect
    from noisy_student.study.results.training import curves

    view, kept = RunView(planned, store, result, calls(store.root, digest)), kept_forecast(store.root, digest)
    facts = provenance.facts(started)
    results = {
        **collect(view),
        "forecast": forecast_vs_actual(view, kept, view.nodes, planned.settings.compute),
        "digest": digest,
        "command": _command(),
        "versions": {**facts["versions"], "python": facts["python"]},
        "machine": facts["platform"],
        "seconds": round(facts["seconds"], 1),
    }
    place.runs.mkdir(parents=True, exist_ok=True)
    # Two runs that end at once must not share a folder.
    with FileLock(place.runs / ".lock"):
        folder = _folder_of(place.runs, results["study"], digest) or _free_folder(place.runs, results["study"])
        made = Run(folder, {**results, "run_dir": str(folder)}, curves(view))
        folder.mkdir(exist_ok=True)
        files.write_json(folder / CURVES, made.curves)
        write_parquet(folder / GRADES, list(_grades(view)))
        files.write_json(folder / RESULTS, made.results)
    return made


def _grades(view: RunView) -> Iterator[dict[str, Any]]:
    """Yield the grades of every finished condition, in the order of the plan; ``id`` is the question's own."""
    for nodes in view.plan.conditions:
        if view.outcome(nodes.grade) == "done":
            split = next(node for node in parents_first([nodes.grade]) if node.stage == "split")
            rows = view.file_rows(split)
            for grade in sorted(view.grades(nodes.grade), key=lambda grade: rows[grade.question_id].row or 0):
                own = rows[grade.question_id].own_id
                yield {"seed": nodes.seed, "condition": nodes.name, "id": own, **asdict(grade)}


def _command() -> str:
    return " ".join(["noisy-student", *provenance.argv()[1:]])


def open_run(folder: Path) -> Run:
    """Read a run that was written before; raises UserError with file and field for any other folder."""
    return Run(folder, read_results(folder / RESULTS), read_curves(folder / CURVES))


def run_digest(planned: Plan) -> str:
    """Return the identity of a run: everything it computes, and how that is compared, expected and priced."""
    settings = planned.settings
    first = {} if planned.preflight is None else {"preflight": sorted(node.key for node in planned.preflight.targets)}
    return identity.digest(
        {
            **first,
            "targets": sorted(node.key for node in planned.targets),
            "conditions": [[item.name, item.seed, item.grade.key] for item in planned.conditions],
            "labels": [[item.name, item.seed, (item.quality or item.labels).key] for item in planned.labels],
            "primary": {name: item.model_dump() for name, item in settings.primary.items()},
            "predictions": {name: item.model_dump() for name, item in settings.predictions.items()},
            "decide": [row.model_dump(by_alias=True) for row in settings.decide],
            "usd_per_hour": settings.compute.usd_per_hour,
            "names": [settings.name, settings.scale, settings.protocol],
        }
    )


def _folder_of(runs: Path, name: str, digest: str) -> Path | None:
    # Damaged or foreign folders must not keep a new run from starting; the log names them.
    return digests([runs], lambda error: None, pattern=f"{name}-*").get(digest)


def _free_folder(runs: Path, name: str) -> Path:
    paths = (runs / f"{name}-{time.strftime('%Y%m%d')}-{number}" for number in count(1))
    return next(path for path in paths if not path.exists())
