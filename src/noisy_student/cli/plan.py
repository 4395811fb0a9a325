"""``plan``: the graph of a run before it runs: what is there, what it will take, and what it could show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.budget import cost
from noisy_student.cli.console import emit, output, remark, table
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.cli.pace import Pace
from noisy_student.data.parts import sizes_of
from noisy_student.report.numbers import DASH, duration, short_count, size
from noisy_student.statistics.power import DISCORDANCE, paired_mde
from noisy_student.study.catalog import Request, resolve
from noisy_student.study.node import Node, parents_first
from noisy_student.study.plan import plan
from noisy_student.study.settings import ComputeSettings, Settings
from noisy_student.study.store import Store

Row = dict[str, Any]


def command(
    study: options.Study = options.STUDY,
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    model: options.Model = None,
    data: options.Data = None,
    limit: options.Limit = None,
    seeds: options.Seeds = None,
    sets: options.Sets = None,
    store: options.StoreFolder = options.STORE,
    json: options.Json = False,
) -> None:
    """Show what a run would compute: the graph, time, what can be seen.

    Times and tokens are the means of like steps on this store; what was never done here has none.
    """
    flags = Flags(model=model, data=data, limit=limit, seeds=seeds, sets=sets or ())
    settings = resolve(Request(study, scale, protocol, overrides(flags)))
    nodes = parents_first(plan(settings).targets)
    rows = node_rows(nodes, Store(store, notice=remark), Pace.of(store), settings.compute)
    summed, compared = totals(rows, settings.compute), comparisons(settings)
    if json:
        emit({"schema": 1, "nodes": rows, "totals": summed, "comparisons": compared})
    else:
        _show(rows, summed, compared)
        if settings.note:
            output().print(Text(f"Note: {settings.note}"))


def node_rows(nodes: Sequence[Node], store: Store, pace: Pace, compute: ComputeSettings) -> list[Row]:
    """One row a node; ``needs`` are the digests of what it reads, ``usd`` its share of what the machine costs."""
    return [
        {
            "stage": node.stage,
            "title": node.title,
            "seed": node.seed,
            "digest": node.key,
            "cached": store.cached(node),
            "seconds": pace.seconds(node),
            "tokens": pace.tokens(node),
            "usd": cost(_shared(pace.seconds(node), compute), compute.usd_per_hour),
            "needs": [parent.key for parent in node.parents],
        }
        for node in nodes
    ]


def totals(rows: Sequence[Row], compute: ComputeSettings) -> Row:
    """Counts by stage, and time, tokens and price of what is to run; None where a step has no estimate."""
    waiting = [row for row in rows if not row["cached"]]
    tokens = [row["tokens"] for row in waiting if row["stage"] == "sample" or row["stage"].startswith("train-")]
    seconds = _sum([row["seconds"] for row in waiting])
    return {
        "nodes": len(rows),
        "cached": len(rows) - len(waiting),
        "to_run": len(waiting),
        "stages": {
            stage: {"nodes": count, "to_run": sum(row["stage"] == stage for row in waiting)}
            for stage, count in Counter(row["stage"] for row in rows).items()
        },
        "seconds": seconds,
        "wall_seconds": _shared(seconds, compute),
        "tokens": _sum(tokens),
        "usd": cost(_shared(seconds, compute), compute.usd_per_hour),
        "without_estimate": sum(row["seconds"] is None for row in waiting),
    }


def comparisons(settings: Settings) -> list[Row]:
    """What each primary comparison can see on the test questions of one seed."""
    tested = sizes_of(settings.data).test
    mde = paired_mde(DISCORDANCE, tested)
    return [
        {
            "name": name,
            "a": item.a,
            "b": item.b,
            "n": tested,
            "discordance": DISCORDANCE,
            "mde": mde,
            "margin": item.margin,
            "underpowered": mde > item.margin,
        }
        for name, item in settings.primary.items()
    ]


def _shared(seconds: float | None, compute: ComputeSettings) -> float | None:
    """Seconds of work as seconds of the machine, which does several things at once."""
    return None if seconds is None else seconds / compute.workers


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _show(rows: Sequence[Row], summed: Row, compared: Sequence[Row]) -> None:
    console = output()
    titles = {row["digest"]: row["title"] for row in rows}
    table(
        console, ["", "Step", "Seed", "Parts", "Time", "Needs"], _lines(rows, titles), right=["Seed", "Parts", "Time"]
    )
    console.print()
    stages = [[name, str(item["nodes"]), str(item["to_run"])] for name, item in summed["stages"].items()]
    table(console, ["Stage", "All", "To run"], stages, right=["All", "To run"])
    console.print()
    console.print(Text(_summary(summed)))
    if compared:
        console.print()
        names = ["Comparison", "Smallest difference seen", "Margin", ""]
        lines = [
            [f"{row['a']} - {row['b']}", size(row["mde"]), size(row["margin"]), "underpowered" * row["underpowered"]]
            for row in compared
        ]
        table(console, names, lines, right=names[1:3])
        said = f"In points, with 80 % power, on {compared[0]['n']} test questions of one seed, if {DISCORDANCE:.0%} of"
        console.print(Text(f"{said} them are answered right by only one of the two (assumed).", "dim"))


def _lines(rows: Sequence[Row], titles: dict[str, str]) -> list[list[str]]:
    """Nodes of one title, seed and state share a line."""
    groups: dict[tuple[str, int | None, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["title"], row["seed"], row["cached"]), []).append(row)
    return [
        [
            "✓" if cached else "·",
            title,
            DASH if seed is None else str(seed),
            str(len(group)),
            DASH if cached else duration(_sum([row["seconds"] for row in group])),
            ", ".join(dict.fromkeys(titles[key] for row in group for key in row["needs"])),
        ]
        for (title, seed, cached), group in groups.items()
    ]


def _summary(summed: Row) -> str:
    start = f"{summed['cached']} of {summed['nodes']} steps are there (✓), {summed['to_run']} are to run (·)"
    if not summed["to_run"]:
        return f"{start}."
    if summed["seconds"] is None:
        return f"{start}; {summed['without_estimate']} of these were never done here, so no time is known."
    tokens = "" if summed["tokens"] is None else f", {short_count(summed['tokens'])} tokens"
    price = "" if summed["usd"] is None else f", {summed['usd']:.2f} USD"
    return f"{start}: about {duration(summed['wall_seconds'])}{tokens}{price}."
