"""``gc``: list stored results that no run uses, and remove them with ``--delete``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from noisy_student.cli import options
from noisy_student.cli.console import emit, output, remark, say, table
from noisy_student.cli.du import require_store, size
from noisy_student.pipeline import garbage
from noisy_student.pipeline.garbage import Entry, Root

Delete = Annotated[bool, typer.Option("--delete", help="Remove them; without this flag they are only listed.")]
Unfinished = Annotated[
    bool,
    typer.Option("--unfinished", help="Also free results of killed or interrupted runs that no process continues."),
]


def command(
    delete: Delete = False,
    unfinished: Unfinished = False,
    store: options.StoreFolder = options.STORE,
    json: options.Json = False,
) -> None:
    """List (with --delete: remove) cached results that no run uses.

    A run uses its results as long as its folder exists: remove the folder, and gc frees what only that run used.
    """
    require_store(store)
    with garbage.sweeping(store):
        known = garbage.roots(store)
        waiting = [root for root in known if root.run is None]
        given_up = [root for root in waiting if unfinished and not garbage.at_work(store, root)]
        kept = [root for root in known if root.holds and root not in given_up]
        useless = garbage.garbage(garbage.entries(store), {name for root in kept for name in root.nodes})
        removed = [entry for entry in useless if garbage.remove(store, entry)] if delete else []
        if delete:
            garbage.empty_trash(store)
            for root in known:
                if root not in kept:
                    garbage.forget(store, root)
    shown = removed if delete else useless
    if json:
        emit(_facts(shown, waiting, delete=delete))
        return
    _show(shown, kept, delete=delete)
    if delete and len(removed) < len(useless):
        remark(f"{len(useless) - len(removed)} were kept: a process is working on them.")
    for root in waiting:
        state = "given up" if root in given_up else "kept"
        remark(f"Unfinished since {_date(root)}, {state}: {root.command}")


def _show(entries: Sequence[Entry], kept: Sequence[Root], *, delete: bool) -> None:
    used = "1 run uses the rest." if len(kept) == 1 else f"{len(kept)} runs use the rest."
    if not entries:
        say(f"Nothing to remove: {used}")
        return
    table(
        output(),
        ["Kind", "Name", "Size"],
        [[entry.kind, entry.path.name, size(entry.bytes)] for entry in entries],
        right=["Size"],
    )
    total = size(sum(entry.bytes for entry in entries))
    done = "removed." if delete else "would be removed with --delete."
    say(f"{total} {done} {used}")


def _facts(entries: Sequence[Entry], waiting: Sequence[Root], *, delete: bool) -> dict[str, Any]:
    return {
        "schema": 1,
        "deleted": delete,
        "bytes": sum(entry.bytes for entry in entries),
        "entries": [{"kind": entry.kind, "name": entry.path.name, "bytes": entry.bytes} for entry in entries],
        "unfinished": [{"command": root.command, "started": root.started} for root in waiting],
    }


def _date(root: Root) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(root.started))
