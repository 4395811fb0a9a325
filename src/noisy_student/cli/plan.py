"""``plan``: the steps of a run before it starts, their time, and the minimum detectable effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from noisy_student.cli import options
from noisy_student.cli.console import Row, aside, emit, note, remark, say, table
from noisy_student.cli.overrides import Flags
from noisy_student.cli.plan_tables import comparisons, show_comparisons, show_outlook
from noisy_student.cli.progress import ProgressView
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.store import Store
from noisy_student.report.numbers import DASH, duration, scientific, short_count
from noisy_student.report.wording import heading
from noisy_student.study.forecast.forecast import Expected, forecast, sum_of_all, totals
from noisy_student.study.forecast.timing import past
from noisy_student.study.plan.gold import gold_ahead
from noisy_student.study.plan.plan import plan
from noisy_student.study.plan.ready import require_ready
from noisy_student.study.results.costs import usd
from noisy_student.study.settings.study import ComputeSettings, Settings

Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="First measure a few samples and training steps of this model here.")
]
Outlook = Annotated[
    bool, typer.Option("--outlook", help="First vote on about 200 questions and advise whether to run the study.")
]


def command(
    flags: Flags,
    study: options.Study = options.STUDY,
    calibrate: Calibrate = False,
    outlook: Outlook = False,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Show what a run would compute: steps, time, minimum detectable effects.

    Times, tokens and money are estimated from like steps in this store, else from a timing of this machine.
    """
    settings = flags.settings(study)
    place = Store(store, notice=remark)
    made = plan(settings)
    nodes = parents_first(made.targets)
    for fault in require_ready(made, place.cached, store=place.root, runs=runs, here=False):
        remark(f"A run here would be refused: {fault}")
    if calibrate:
        # A timing imports torch, which a plan does not need.
        from noisy_student.study.forecast.timing import measure

        with ProgressView(aside(), width=1) as view:
            kept = measure(settings, store, notice=view.notice, on_nodes=view.on_nodes, on_event=view.on_event)
        remark(f"The timing is kept as {kept}.")
    seen = None
    if outlook:
        from noisy_student.study.forecast.outlook import outlook as look_ahead

        seen = asdict(look_ahead(settings, place))
    gold = gold_ahead(made)
    rows, summed = planned(nodes, place, settings)
    compared = comparisons(settings, runs)
    if json:
        found = {"schema": 1, "nodes": rows, "totals": summed, "comparisons": compared, "gold": list(map(asdict, gold))}
        emit(found if seen is None else {**found, "outlook": seen})
        return
    say(heading(settings.facts))
    note()
    _show(rows, summed)
    show_comparisons(compared)
    for ahead in gold:
        if ahead.words:
            note()
            note(ahead.words, "yellow")
    if seen is not None:
        show_outlook(seen)
    if settings.note:
        note(f"Note: {settings.note}", "")


def planned(nodes: Sequence[Node], store: Store, settings: Settings) -> tuple[list[Row], Row]:
    """Return one row per node and the sums over missing nodes; ``nodes`` must list inputs first."""
    cached = {node.key for node in nodes if store.cached(node)}
    # The forecast of a stored step is what it took, which is what it would take again.
    known = past(settings, store.root, store.notice)
    waiting = forecast([node for node in nodes if node.key not in cached], known, settings.compute)
    by_key = {row.node.key: row for row in [*forecast(nodes, known, settings.compute), *waiting]}
    rows = [_row(node, by_key[node.key], node.key in cached, settings.compute) for node in nodes]
    return rows, _totals(rows, waiting, settings.compute)


def _row(node: Node, expected: Expected, cached: bool, compute: ComputeSettings) -> Row:
    """Return one row; ``needs`` are the keys of its inputs, ``usd`` is its share of the machine's price."""
    return {
        "stage": node.stage,
        "title": node.title,
        "seed": node.seed,
        "digest": node.key,
        "cached": cached,
        "seconds": expected.seconds,
        "cpu_seconds": expected.cpu_seconds,
        "tokens": expected.tokens,
        "flops": expected.flops,
        "usd": usd(None if expected.seconds is None else expected.seconds / compute.workers, compute.usd_per_hour),
        "source": expected.source,
        "needs": [parent.key for parent in node.parents],
    }


def _totals(rows: Sequence[Row], waiting: Sequence[Expected], compute: ComputeSettings) -> Row:
    """Return counts by stage, and time, tokens and price of missing steps; None where a step has no estimate."""
    sources = {row.source for row in waiting}
    return {
        "nodes": len(rows),
        "cached": len(rows) - len(waiting),
        "to_run": len(waiting),
        "stages": {stage: _stage(stage, count, waiting) for stage, count in Counter(r["stage"] for r in rows).items()},
        **asdict(totals(waiting, compute)),
        "sources": [name for name in ("store", "timing") if name in sources],
    }


def _stage(stage: str, count: int, waiting: Sequence[Expected]) -> Row:
    mine = [row for row in waiting if row.node.stage == stage]
    cpu = sum_of_all(row.cpu_seconds for row in mine) if mine else None
    return {"nodes": count, "to_run": len(mine), "cpu_seconds": cpu}


def _show(rows: Sequence[Row], summed: Row) -> None:
    table(["", "Step", "Seed", "Parts", "Time", "Needs"], _lines(rows), right=["Seed", "Parts", "Time"])
    note()
    columns = ["Stage", "All", "To run", "CPU time"]
    stages = [
        [name, str(item["nodes"]), str(item["to_run"]), duration(item["cpu_seconds"])]
        for name, item in summed["stages"].items()
    ]
    table(columns, stages, right=columns[1:])
    note()
    note(_summary(summed), "")


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    """Return one line per title, seed and state."""
    titles = {row["digest"]: row["title"] for row in rows}
    groups: dict[tuple[str, int | None, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["title"], row["seed"], row["cached"]), []).append(row)
    return [
        [
            "✓" if cached else "·",
            title,
            DASH if seed is None else str(seed),
            str(len(group)),
            DASH if cached else duration(sum_of_all(row["seconds"] for row in group)),
            ", ".join(dict.fromkeys(titles[key] for row in group for key in row["needs"])),
        ]
        for (title, seed, cached), group in groups.items()
    ]


def _summary(summed: Row) -> str:
    start = f"{summed['cached']} of {summed['nodes']} steps are stored (✓), {summed['to_run']} are missing (·)"
    if not summed["to_run"]:
        return f"{start}."
    if summed["seconds"] is None:
        unknown = f"{summed['without_estimate']} of these never ran here, so the time is unknown"
        return f"{start}; {unknown}. To measure a few samples and steps of this model first, add --calibrate."
    quantities = {
        "wall_seconds": f"about {duration(summed['wall_seconds'])}",
        "cpu_seconds": f"{duration(summed['cpu_seconds'])} of CPU time",
        "tokens": f"{short_count(summed['tokens'])} tokens",
        "flops": f"{scientific(summed['flops'])} FLOPs",
        "usd": "" if summed["usd"] is None else f"{summed['usd']:.2f} USD",
    }
    words = [text for name, text in quantities.items() if summed[name] is not None]
    places = {"store": "like steps in this store", "timing": "a timing of this machine"}
    return f"{start}: {', '.join(words)}. Estimated from {' and '.join(places[name] for name in summed['sources'])}."
