"""Roots and garbage of a store: a root holds the names of the nodes that a run needs.

A root holds while its run is unfinished, or finished and its folder exists. So a killed run keeps its work, and
removing a run's folder frees its results for ``gc``. The folder is kept as an absolute path and relative to the store,
so that a root holds as well after both were moved together.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from filelock import FileLock, Timeout
from pydantic import Field, model_validator

from noisy_student import documents, files, identity
from noisy_student.documents import Document, Time
from noisy_student.errors import UserError
from noisy_student.pipeline.node import KEY_DIGITS, Node

YOUNG_SECONDS = 3600.0
"""Age below which a result may belong to somebody who has just computed it."""
_NodeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}-[0-9a-f]{16}$")]
_TAIL = 3
"""Parts of an older root's path that are searched beside the store."""


class Call(Document):
    """One call of a run: its time, its workers and the price of the machine; ``ended`` is None after a kill."""

    started: Time
    ended: Time | None = None
    workers: Annotated[int, Field(ge=1)] = 1
    usd_per_hour: Annotated[float, Field(ge=0)] | None = None


class Root(Document):
    """A run in the store; ``run`` is its folder, None while it is unfinished.

    ``relative`` is the folder as seen from the store, None in roots of older versions, which have no ``calls`` either.
    """

    do: ClassVar[str] = (
        "Run its study again, which writes the file anew. Without it, results that only this run uses are garbage."
    )

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    command: str
    started: Time
    nodes: Annotated[tuple[str, ...], Field(strict=False)]
    run: str | None = None
    relative: str | None = None
    calls: Annotated[tuple[Call, ...] | None, Field(strict=False)] = None

    def places(self, store: Path) -> list[Path]:
        """Return the paths at which the run's folder may be; beside the store too for an older root."""
        if self.run is None:
            return []
        found = [Path(self.run)]
        if self.relative is not None:
            found.append(Path(os.path.normpath(store.resolve() / self.relative)))
        else:
            parts = Path(self.run).parts[1:]
            found += [store.absolute().parent.joinpath(*parts[-count:]) for count in range(1, _TAIL + 1)]
        return found

    def holds(self, store: Path) -> bool:
        """Return whether its nodes must stay."""
        return self.run is None or any(place.is_dir() for place in self.places(store))


class _RootFile(Root):
    """A root with the digest of its other fields, since a changed list of nodes would free results.

    Older versions wrote no seal, and none of the fields that are newer.
    """

    nodes: Annotated[tuple[_NodeName, ...], Field(strict=False)]
    seal: str | None = None

    @model_validator(mode="after")
    def _intact(self) -> Self:
        old = self.seal is None and not {"calls", "relative"} & self.model_fields_set
        if not old and self.seal != _seal(self):
            raise ValueError("it was changed after it was written")
        return self


def _seal(root: Root) -> str:
    return identity.digest({name: value for name, value in root.model_dump(mode="json").items() if name != "seal"})


@contextmanager
def rooted(
    store: Path,
    digest: str,
    nodes: Iterable[Node],
    command: str,
    *,
    workers: int | None = None,
    usd_per_hour: float | None = None,
) -> Iterator[None]:
    """Add a root before a run computes, and lock it while inside; the root stays whatever happens.

    Waits for a garbage collection to end. The stages report a store that cannot be written. ``workers`` is None for a
    call that has nothing to compute, which is not recorded.
    """
    now = time.time()
    new = () if workers is None else (Call(started=now, workers=workers, usd_per_hour=usd_per_hour),)
    names = tuple(sorted(node.name for node in nodes))
    lock = _lock(store, digest)
    with suppress(OSError), sweeping(store):
        earlier = _known(store, digest)
        # Calls of an older version are unknown, and a part of them would pass for all.
        calls = new if earlier is None else None if earlier.calls is None else (*earlier.calls, *new)
        started = now if earlier is None else earlier.started
        _write(store, Root(digest=digest, command=command, started=started, nodes=names, calls=calls))
        # Another process with the same run holds the lock for both.
        with suppress(Timeout):
            lock.acquire(blocking=False)
    try:
        yield
    finally:
        if new:
            with suppress(OSError), sweeping(store):
                _end(store, digest, new[0])
        lock.release()


def _end(store: Path, digest: str, call: Call) -> None:
    """Record the end of a call in its root."""
    found = _known(store, digest)
    if found is not None and found.calls is not None:
        ended = call.model_copy(update={"ended": time.time()})
        calls = tuple(ended if each == call else each for each in found.calls)
        _write(store, found.model_copy(update={"calls": calls}))


def finish(store: Path, digest: str, run: Path) -> None:
    """Record the run's folder: from now on its root holds while this folder exists."""
    with suppress(OSError):
        found = _known(store, digest)
        place = {"run": str(run.absolute()), "relative": os.path.relpath(run.resolve(), store.resolve())}
        if found is not None and place != {"run": found.run, "relative": found.relative}:
            _write(store, found.model_copy(update=place))


def adopt(store: Path, digest: str, nodes: Iterable[Node], command: str, run: Path) -> None:
    """Record the folder of a finished run, whose root may be lost, unreadable, or that of the folder's former place."""
    if _known(store, digest) is None:
        names = tuple(sorted(node.name for node in nodes))
        with suppress(OSError), sweeping(store):
            _write(store, Root(digest=digest, command=command, started=time.time(), nodes=names))
    finish(store, digest, run)


def calls(store: Path, digest: str) -> tuple[Call, ...]:
    """Return the calls of a run, oldest first; empty where they are not known."""
    found = _known(store, digest)
    return () if found is None else found.calls or ()


def _refuse(error: UserError) -> None:
    raise error


def roots(store: Path, left_out: Callable[[UserError], None] = _refuse) -> list[Root]:
    """Return all runs in the store, oldest first; ``left_out`` receives, or raises, the error of an unreadable entry.

    The results that an unreadable entry needs are unknown, so nothing may be removed beside one.
    """
    found = []
    folder = store / "roots"
    try:
        listed = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        left_out(UserError(f"{folder} cannot be read: {error.strerror}.", do=Root.do, code="file-unreadable"))
        return []
    paths = [path for path in listed if path.suffix == ".json" and not path.name.startswith(".")]
    for path, root in documents.read_each(paths, _RootFile, left_out):
        if path == _path(store, root.digest):
            found.append(root)
        else:
            left_out(
                UserError(
                    f"{path} is the entry of another run, {root.digest[:KEY_DIGITS]}.", do=Root.do, code="root-renamed"
                )
            )
    return sorted(found, key=lambda root: root.started)


def _known(store: Path, digest: str) -> Root | None:
    """Return a run's root; None without a readable one."""
    with suppress(OSError, UserError):
        return documents.read(_path(store, digest), _RootFile)
    return None


def at_work(store: Path, root: Root) -> bool:
    """Return whether a process computes this run now; True where its lock cannot be taken."""
    try:
        with _lock(store, root.digest).acquire(blocking=False):
            return False
    except (Timeout, OSError):
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
    files.write_json(path, {"schema": 1, **root.model_dump(mode="json"), "seal": _seal(root)})


def _path(store: Path, digest: str) -> Path:
    return store / "roots" / f"{digest[:KEY_DIGITS]}.json"


def _lock(store: Path, digest: str) -> FileLock:
    return FileLock(store / "locks" / f"run-{digest[:KEY_DIGITS]}.lock")


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
        if path.is_dir() or path.is_symlink()
    ]


def young(entry: Entry) -> bool:
    """Return whether an entry was made less than an hour ago."""
    try:
        return time.time() - entry.path.lstat().st_mtime < YOUNG_SECONDS
    except OSError:
        return False


def garbage(found: Collection[Entry], nodes: Collection[str] | None) -> list[Entry]:
    """Return entries outside ``nodes``, the names of nodes that must stay; None means all nodes.

    Quarantined folders are always garbage.
    """
    if nodes is None:
        return [entry for entry in found if entry.kind == "quarantine"]
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
    # A link is no folder of the store, wherever it leads.
    for place, _, names in () if folder.is_symlink() else os.walk(folder):
        for name in names:
            # Another process may have removed it since.
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total
