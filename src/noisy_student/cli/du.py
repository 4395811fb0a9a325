"""``du``: the disk space of the store by kind, and the part of it that no run uses."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from noisy_student.cli import options
from noisy_student.cli.console import emit, output, table
from noisy_student.errors import UserError
from noisy_student.pipeline import garbage
from noisy_student.pipeline.garbage import Kind


def command(store: options.StoreFolder = options.STORE, json: options.Json = False) -> None:
    """Show how much disk space the store uses, and how much of it gc would free."""
    require_store(store)
    found = garbage.entries(store)
    kept = {name for root in garbage.roots(store) if root.holds for name in root.nodes}
    useless = set(garbage.garbage(found, kept))
    rows = []
    for kind in get_args(Kind):
        every = [entry for entry in found if entry.kind == kind]
        free = sum(entry.bytes for entry in every if entry in useless)
        rows.append({"kind": kind, "folders": len(every), "bytes": sum(e.bytes for e in every), "garbage": free})
    total = sum(entry.bytes for entry in found)
    free = sum(entry.bytes for entry in useless)
    if json:
        emit({"schema": 1, "store": str(store), "kinds": rows, "bytes": total, "garbage": free})
        return
    lines = [
        [str(row["kind"]), str(row["folders"]), size(int(row["bytes"])), size(int(row["garbage"]))] for row in rows
    ]
    lines.append(["all", str(len(found)), size(total), size(free)])
    table(output(), ["Kind", "Folders", "Size", "Garbage"], lines, right=["Folders", "Size", "Garbage"])


def require_store(store: Path) -> None:
    """Raise UserError if ``store`` is no store."""
    if not (store / "stages").is_dir():
        raise UserError(
            f"There is no store at {store}.",
            why="A store is the folder in which runs keep their results.",
            do="Name it with --store, or run a study first.",
            code="no-store",
        )


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
