"""``du`` and ``gc``: the disk space of the store, and its results that no run uses, which ``--delete`` removes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from noisy_student.cli import options
from noisy_student.cli.console import date, emit, remark, say, table
from noisy_student.errors import UserError
from noisy_student.pipeline import garbage
from noisy_student.pipeline.garbage import Entry, Kind, Root


def du(store: options.StoreFolder = options.STORE, json: options.Json = False) -> None:
    """Show how much disk space the store uses, and how much of it gc would free."""
    _require_store(store)
    found = garbage.entries(store)
    useless = set(_useless(found, [root for root in garbage.roots(store) if root.holds]))
    rows = [{"kind": kind, **_space([e for e in found if e.kind == kind], useless)} for kind in get_args(Kind)]
    whole = _space(found, useless)
    if json:
        emit({"schema": 1, "store": str(store), "kinds": rows, "bytes": whole["bytes"], "garbage": whole["garbage"]})
        return
    columns = ["Kind", "Folders", "Size", "Garbage"]
    lines = [
        [row["kind"], str(row["folders"]), size(row["bytes"]), size(row["garbage"])]
        for row in [*rows, {"kind": "all", **whole}]
    ]
    table(columns, lines, right=columns[1:])


def command(
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove them; without this flag they are only listed.")
    ] = False,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Also free results of killed or interrupted runs that no process continues."),
    ] = False,
    store: options.StoreFolder = options.STORE,
    json: options.Json = False,
) -> None:
    """List (with --delete: remove) cached results that no run uses.

    A run uses its results as long as its folder exists: remove the folder, and gc frees what only that run used.
    """
    _require_store(store)
    with garbage.sweeping(store):
        known = garbage.roots(store)
        waiting = [root for root in known if root.run is None]
        given_up = [root for root in waiting if unfinished and not garbage.at_work(store, root)]
        kept = [root for root in known if root.holds and root not in given_up]
        useless = _useless(garbage.entries(store), kept)
        removed = [entry for entry in useless if garbage.remove(store, entry)] if delete else []
        if delete:
            garbage.empty_trash(store)
            for root in known:
                if root not in kept:
                    garbage.forget(store, root)
    shown = removed if delete else useless
    if json:
        entries = [{"kind": entry.kind, "name": entry.path.name, "bytes": entry.bytes} for entry in shown]
        unended = [{"command": root.command, "started": root.started} for root in waiting]
        freed = sum(entry.bytes for entry in shown)
        emit({"schema": 1, "deleted": delete, "bytes": freed, "entries": entries, "unfinished": unended})
        return
    _show(shown, kept, delete=delete)
    if delete and len(removed) < len(useless):
        remark(f"{len(useless) - len(removed)} were kept: a process is working on them.")
    for root in waiting:
        state = "given up" if root in given_up else "kept"
        remark(f"Unfinished since {date(root.started)}, {state}: {root.command}")


def size(count: int) -> str:
    """Return a number of bytes as text, in powers of 1,000.

    >>> size(2_050_000)
    '2.0 MB'
    """
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _useless(entries: Sequence[Entry], kept: Sequence[Root]) -> list[Entry]:
    return garbage.garbage(entries, {name for root in kept for name in root.nodes})


def _space(entries: Sequence[Entry], useless: Collection[Entry]) -> dict[str, Any]:
    free = sum(entry.bytes for entry in entries if entry in useless)
    return {"folders": len(entries), "bytes": sum(entry.bytes for entry in entries), "garbage": free}


def _show(entries: Sequence[Entry], kept: Sequence[Root], *, delete: bool) -> None:
    used = "1 run uses the rest." if len(kept) == 1 else f"{len(kept)} runs use the rest."
    if not entries:
        say(f"Nothing to remove: {used}")
        return
    lines = [[entry.kind, entry.path.name, size(entry.bytes)] for entry in entries]
    table(["Kind", "Name", "Size"], lines, right=["Size"])
    done = "removed." if delete else "would be removed with --delete."
    say(f"{size(sum(entry.bytes for entry in entries))} {done} {used}")


def _require_store(store: Path) -> None:
    if not (store / "stages").is_dir():
        raise UserError(
            f"{store} is no store of results.", do="Name one with --store, or run a study first.", code="no-store"
        )
