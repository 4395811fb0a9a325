"""What must stay in a store: for every run the names of the nodes it stands on, kept by the store itself.

A root holds as long as its run is unfinished, or finished with its folder still where it was written. So a run that
is killed keeps its half of the work, and removing a run's folder is what frees its results for ``gc``.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node

_FOLDER = "roots"


@dataclass(frozen=True, slots=True)
class Root:
    """A run as the store knows it; ``run`` is its folder once it is written, None while it is unfinished."""

    digest: str
    command: str
    started: float
    nodes: tuple[str, ...]
    run: str | None = None

    @property
    def holds(self) -> bool:
        """Whether its nodes must stay."""
        return self.run is None or Path(self.run).is_dir()


@contextmanager
def rooted(store: Path, digest: str, nodes: Iterable[Node], command: str) -> Iterator[None]:
    """Enter a run before it computes, and mark it as at work while inside; it stays entered whatever happens.

    Waits for a garbage collection to end. A store that cannot be written is left to the stages to complain about.
    """
    root = Root(digest, command, time.time(), tuple(sorted(node.name for node in nodes)))
    lock = FileLock(_lock(store, digest))
    with suppress(OSError), sweeping(store):
        _write(store, root)
        # Somebody who runs the same at the same time holds it already, and keeps it for both.
        with suppress(Timeout):
            lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()


def finish(store: Path, digest: str, run: Path) -> None:
    """Say where the run was written: from now on its root holds as long as this folder exists."""
    with suppress(OSError):
        for root in _read_all(store):
            if root.digest == digest:
                _write(store, replace(root, run=str(run.absolute())))


def roots(store: Path) -> list[Root]:
    """Every run that the store knows, oldest first; UserError for an entry that cannot be read."""
    return sorted(_read_all(store), key=lambda root: root.started)


def at_work(store: Path, root: Root) -> bool:
    """Whether a process computes this run now."""
    lock = FileLock(_lock(store, root.digest))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def forget(store: Path, root: Root) -> None:
    """Drop a root; its nodes are kept by other runs or not at all."""
    _path(store, root.digest).unlink(missing_ok=True)


@contextmanager
def sweeping(store: Path) -> Iterator[None]:
    """While inside, no run enters: what is removed now cannot have become needed meanwhile."""
    path = store / "locks" / "sweep.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def _read_all(store: Path) -> Sequence[Root]:
    found = []
    for path in (store / _FOLDER).glob("*.json"):
        try:
            raw = files.read_json(path)
            found.append(Root(raw["digest"], raw["command"], raw["started"], tuple(raw["nodes"]), raw["run"]))
        except (KeyError, TypeError, UnicodeDecodeError, UserError) as error:
            raise UserError(
                f"{path} cannot be read: {error}.",
                why="It says which results a run stands on, and they would be taken for garbage.",
                do="Remove that file and run the study again, which writes it anew.",
            ) from error
    return found


def _write(store: Path, root: Root) -> None:
    _path(store, root.digest).parent.mkdir(parents=True, exist_ok=True)
    files.write_json(_path(store, root.digest), {"schema": 1, **asdict(root)})


def _path(store: Path, digest: str) -> Path:
    return store / _FOLDER / f"{digest[:16]}.json"


def _lock(store: Path, digest: str) -> str:
    return os.fspath(store / "locks" / f"run-{digest[:16]}.lock")


Kind = Literal["stages", "work", "attempts", "quarantine"]
_TRASH = "trash"


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder of the store and its size in bytes; ``short_key`` says whose it is."""

    kind: Kind
    path: Path
    bytes: int

    @property
    def short_key(self) -> str:
        """The short key of its node: quarantined folders have a number behind it."""
        name = self.path.name.rsplit("-", 1)[0] if self.kind == "quarantine" else self.path.name
        return name.rsplit("-", 1)[-1]


def entries(store: Path) -> list[Entry]:
    """Every folder under the store that belongs to a node, by kind and name."""
    return [
        Entry(kind, path, _size(path))
        for kind in get_args(Kind)
        for path in sorted((store / kind).glob("*"))
        if path.is_dir()
    ]


def garbage(found: Collection[Entry], nodes: Collection[str]) -> list[Entry]:
    """What none of ``nodes``, names of nodes that must stay, has a use for; quarantined folders are always garbage."""
    keys = {name.rsplit("-", 1)[-1] for name in nodes}
    return [entry for entry in found if entry.kind == "quarantine" or entry.short_key not in keys]


def remove(store: Path, entry: Entry) -> bool:
    """Put a folder into the trash, so that no reader sees half of it; False where a process is at work on its node."""
    lock = FileLock(store / "locks" / f"{entry.short_key}.lock")
    place = store / _TRASH / f"{entry.kind}-{entry.path.name}"
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
    """Free what was removed, now or by a process that was killed on the way."""
    shutil.rmtree(store / _TRASH, ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            # Somebody at work may have removed it since.
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total
