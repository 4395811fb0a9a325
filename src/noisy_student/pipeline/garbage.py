"""Roots and garbage of a store: a root holds the names of the nodes that a run needs.

A root holds while its run is unfinished, or finished and its folder exists. So a killed run keeps its work, and
removing a run's folder frees its results for ``gc``.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node


@dataclass(frozen=True, slots=True)
class Root:
    """A run in the store; ``run`` is its folder, None while it is unfinished."""

    digest: str
    command: str
    started: float
    nodes: tuple[str, ...]
    run: str | None = None

    @property
    def holds(self) -> bool:
        """True while its nodes must stay."""
        return self.run is None or Path(self.run).is_dir()


@contextmanager
def rooted(store: Path, digest: str, nodes: Iterable[Node], command: str) -> Iterator[None]:
    """Add a root before a run computes, and lock it while inside; the root stays whatever happens.

    Waits for a garbage collection to end. The stages report a store that cannot be written.
    """
    root = Root(digest, command, time.time(), tuple(sorted(node.name for node in nodes)))
    lock = _lock(store, digest)
    with suppress(OSError), sweeping(store):
        _write(store, root)
        # Another process with the same run holds the lock for both.
        with suppress(Timeout):
            lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()


def finish(store: Path, digest: str, run: Path) -> None:
    """Record the run's folder: from now on its root holds while this folder exists."""
    with suppress(OSError):
        for root in roots(store):
            if root.digest == digest:
                _write(store, replace(root, run=str(run.absolute())))


def roots(store: Path) -> list[Root]:
    """Return all runs in the store, oldest first; UserError for an unreadable entry."""
    found = []
    for path in (store / "roots").glob("*.json"):
        try:
            raw = files.read_json(path)
            found.append(Root(raw["digest"], raw["command"], raw["started"], tuple(raw["nodes"]), raw["run"]))
        except (KeyError, TypeError, UnicodeDecodeError, UserError) as error:
            raise UserError(
                f"{path} cannot be read: {error}.",
                why="It lists the results that a run needs; without it they would count as garbage.",
                do="Remove this file and run the study again, which writes it anew.",
                code="store-root-unreadable",
            ) from error
    return sorted(found, key=lambda root: root.started)


def at_work(store: Path, root: Root) -> bool:
    """Return whether a process computes this run now."""
    try:
        with _lock(store, root.digest).acquire(blocking=False):
            return False
    except Timeout:
        return True


def forget(store: Path, root: Root) -> None:
    """Drop a root; its nodes stay only if other runs need them."""
    _path(store, root.digest).unlink(missing_ok=True)


@contextmanager
def sweeping(store: Path) -> Iterator[None]:
    """Block new runs while inside, so that nothing removed now is needed meanwhile."""
    path = store / "locks" / "sweep.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def _write(store: Path, root: Root) -> None:
    path = _path(store, root.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, {"schema": 1, **asdict(root)})


def _path(store: Path, digest: str) -> Path:
    return store / "roots" / f"{digest[:16]}.json"


def _lock(store: Path, digest: str) -> FileLock:
    return FileLock(store / "locks" / f"run-{digest[:16]}.lock")


Kind = Literal["stages", "work", "attempts", "quarantine"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder of the store and its size in bytes."""

    kind: Kind
    path: Path
    bytes: int

    @property
    def short_key(self) -> str:
        """Short key of its node; the names of quarantined folders end in a number."""
        name = self.path.name.rsplit("-", 1)[0] if self.kind == "quarantine" else self.path.name
        return name.rsplit("-", 1)[-1]


def entries(store: Path) -> list[Entry]:
    """Return all folders of nodes in the store, by kind and name."""
    return [
        Entry(kind, path, _size(path))
        for kind in get_args(Kind)
        for path in sorted((store / kind).glob("*"))
        if path.is_dir()
    ]


def garbage(found: Collection[Entry], nodes: Collection[str]) -> list[Entry]:
    """Return entries outside ``nodes``, the names of nodes that must stay; quarantined folders are always garbage."""
    keys = {name.rsplit("-", 1)[-1] for name in nodes}
    return [entry for entry in found if entry.kind == "quarantine" or entry.short_key not in keys]


def remove(store: Path, entry: Entry) -> bool:
    """Move a folder to the trash, so that no reader sees half of it; return False while a process computes its node."""
    lock = FileLock(store / "locks" / f"{entry.short_key}.lock")
    place = store / "trash" / f"{entry.kind}-{entry.path.name}"
    try:
        with lock.acquire(blocking=False):
            place.parent.mkdir(exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            with suppress(FileNotFoundError):
                entry.path.rename(place)
    except Timeout:
        return False
    return True


def empty_trash(store: Path) -> None:
    """Delete removed folders, including those of a killed process."""
    shutil.rmtree(store / "trash", ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            # Another process may have removed it since.
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total
