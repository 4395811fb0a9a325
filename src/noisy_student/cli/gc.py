"""``du`` and ``gc``: the disk space of the store, and its results that no run uses, which ``--delete`` removes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from noisy_student.cli import options
from noisy_student.cli.console import date, emit, remark, say, table
from noisy_student.errors import UserError
from noisy_student.pipeline import garbage
from noisy_student.pipeline.garbage import Entry, Kind, Root
from noisy_student.study.results.document import digests

_NAMED = 5
"""Young results whose names are shown."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The runs of a store: those that use results, those without a folder, and entries that cannot be read."""

    holding: list[Root]
    missing: list[Root]
    unreadable: list[UserError]

    @property
    def waiting(self) -> list[Root]:
        """Runs that have not ended."""
        return [root for root in self.holding if root.run is None]

    @property
    def moved(self) -> bool:
        """True where no ended run has a folder: they were moved, or their disk is absent, more likely than removed."""
        return bool(self.missing) and len(self.waiting) == len(self.holding)

    def needed(self, *, without: Collection[Root] = (), removed: bool = False) -> set[str] | None:
        """Return the nodes that runs use, except those of ``without``; None, which is all, if a run is unreadable.

        Runs that seem to have moved use their nodes, unless the user confirms that they were ``removed``.
        """
        moved = self.missing if self.moved and not removed else []
        kept = [root for root in (*self.holding, *moved) if root not in without]
        return None if self.unreadable else {name for root in kept for name in root.nodes}


def du(
    store: options.StoreFolder = options.STORE, runs: options.RunsFolder = options.RUNS, json: options.Json = False
) -> None:
    """Show how much disk space the store uses, and how much of it gc would free."""
    _require_store(store)
    found, standing = garbage.entries(store), _standing(store, runs)
    useless = set(garbage.garbage(found, standing.needed()))
    rows = [{"kind": kind, **_space([e for e in found if e.kind == kind], useless)} for kind in get_args(Kind)]
    whole = _space(found, useless)
    _say_unreadable(standing)
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
    runs_removed: Annotated[
        bool,
        typer.Option("--runs-removed", help="With --delete: confirm that you removed the folders of all runs."),
    ] = False,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """List (with --delete: remove) cached results that no run uses.

    A run uses its results as long as its folder exists: remove the folder, and gc frees what only that run used. A
    folder that was moved with the store, or renamed below --runs, still counts.
    """
    _require_store(store)
    # A list needs no lock, so that it works on a disk that may only be read.
    with garbage.sweeping(store) if delete else nullcontext():
        standing = _standing(store, runs)
        given_up = _given_up(store, runs, standing) if unfinished else []
        useless = garbage.garbage(garbage.entries(store), standing.needed(without=given_up, removed=runs_removed))
        _say_unreadable(standing)
        _say_missing(standing, delete=delete, confirmed=runs_removed)
        _say_young(useless, delete=delete)
        removed = [entry for entry in useless if garbage.remove(store, entry)] if delete else []
        if delete:
            garbage.empty_trash(store)
            for root in [] if standing.unreadable else [*standing.missing, *given_up]:
                garbage.forget(store, root)
    shown = removed if delete else useless
    if json:
        entries = [{"kind": entry.kind, "name": entry.path.name, "bytes": entry.bytes} for entry in shown]
        unended = [{"command": root.command, "started": root.started} for root in standing.waiting]
        freed = sum(entry.bytes for entry in shown)
        emit({"schema": 1, "deleted": delete, "bytes": freed, "entries": entries, "unfinished": unended})
        return
    _show(shown, len(standing.holding) - len(given_up), delete=delete)
    if delete and len(removed) < len(useless):
        remark(f"{len(useless) - len(removed)} were kept: a process is working on them.")
    for root in standing.waiting:
        state = "given up" if root in given_up else "kept"
        remark(f"Unfinished since {date(root.started)}, {state}: {root.command}")


def _standing(store: Path, runs: Path) -> Standing:
    """Return the runs of a store; one whose folder was renamed is found by the digest in its results."""
    unreadable: list[UserError] = []
    known = garbage.roots(store, unreadable.append)
    if not known and not unreadable and digests([runs], unreadable.append):
        unreadable.append(
            UserError(
                f"{store / 'roots'} lists no run, though {runs} holds some.",
                do=f"Run their studies again, which writes the entries anew, or remove {store} as a whole.",
                code="roots-missing",
            )
        )
    missing = [root for root in known if not root.holds(store)]
    if missing:
        folders = {runs.absolute(), *(place.parent for root in missing for place in root.places(store))}
        # Results that cannot be read may be those of a missing run, unless another run has its folder there.
        settled = {place for root in known if root not in missing for place in root.places(store)}
        renamed = digests(folders, unreadable.append, skipped=settled)
        missing = [root for root in missing if root.digest not in renamed]
    return Standing([root for root in known if root not in missing], missing, unreadable)


def _given_up(store: Path, runs: Path, standing: Standing) -> list[Root]:
    """Return the unfinished runs that no process continues; one that was only begun anew has its results still."""
    finished = digests([runs], lambda error: None)
    return [root for root in standing.waiting if root.digest not in finished and not garbage.at_work(store, root)]


def _say_unreadable(standing: Standing) -> None:
    for error in standing.unreadable:
        remark(str(error))
    if standing.unreadable:
        remark("The results that its run uses are unknown, so only quarantined folders count as garbage.")


def _say_missing(standing: Standing, *, delete: bool, confirmed: bool) -> None:
    """Name the runs without a folder; raises UserError before the results of all runs are removed."""
    if standing.unreadable:
        return
    if standing.moved and not confirmed:
        first, count = standing.missing[0].run, len(standing.missing)
        error = UserError(
            f"The folder of every run is missing ({count} of {count}), such as {first}.",
            why="They were moved, or their disk is absent: without them all their results count as garbage.",
            do="Name the folder that they are in now with --runs, or confirm by --runs-removed that you removed them.",
            code="all-runs-missing",
        )
        if delete:
            raise error
        remark(str(error))
        return
    for root in standing.missing:
        remark(f"The folder {root.run} is missing, so this run uses nothing: {root.command}")


def _say_young(useless: Sequence[Entry], *, delete: bool) -> None:
    recent = [entry.path.name for entry in useless if garbage.young(entry)]
    if recent:
        done = "They are removed" if delete else "--delete removes them"
        shown = ", ".join(recent[:_NAMED]) + (f" and {len(recent) - _NAMED} more" if len(recent) > _NAMED else "")
        remark(f"{len(recent)} of these were made less than an hour ago: {shown}. {done}, since no run uses them.")


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


def _space(entries: Sequence[Entry], useless: Collection[Entry]) -> dict[str, Any]:
    free = sum(entry.bytes for entry in entries if entry in useless)
    return {"folders": len(entries), "bytes": sum(entry.bytes for entry in entries), "garbage": free}


def _show(entries: Sequence[Entry], kept: int, *, delete: bool) -> None:
    used = "1 run uses the rest." if kept == 1 else f"{kept} runs use the rest."
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
