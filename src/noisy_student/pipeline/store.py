"""Results in folders named after their keys, committed atomically.

A reader trusts only a folder whose manifest parses, names the full key and fits the files; anything else is moved
to ``quarantine/``, never deleted, and computed again. A commit holds the key's lock, which the system frees when a
process dies. This is our own code since no library combines locks, quarantine and commits that survive a power cut.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from noisy_student import documents, files
from noisy_student.documents import Document
from noisy_student.errors import DamagedArtifact, UserError
from noisy_student.pipeline import manifest as manifests
from noisy_student.pipeline.crash_points import crash_point
from noisy_student.pipeline.manifest import Manifest
from noisy_student.pipeline.node import Node

_POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)
_KEPT = frozenset({manifests.NAME, "data", "curves"})


class Progress(Document):
    """What ``progress.json`` of a running stage says."""

    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    notices: list[str] = []


class Holder(Document):
    """The process that holds a node's lock; ``run`` is the one that the user started."""

    pid: int
    host: str
    run: int | None = None


class Store:
    """The results under one root; ``notice`` receives messages for the user, one line each."""

    def __init__(self, root: Path, *, notice: Callable[[str], None] = _LOG.warning, run: int | None = None) -> None:
        """``run`` is the process that the user started, by default this one."""
        self.root = Path(root).absolute()
        self.notice = notice
        self._run = os.getpid() if run is None else run
        self._said: set[str] = set()
        self._verified: set[str] = set()
        self._held: set[str] = set()

    def folder(self, node: Node) -> Path:
        """Return the folder of the node's committed result."""
        return self.root / "stages" / node.name

    def work(self, node: Node) -> Path:
        """Return the node's work folder, the same after a pause or a crash."""
        return self.root / "work" / node.short_key

    def cached(self, node: Node) -> bool:
        """Return whether the store holds a result, done or skipped; bytes are not read."""
        return self.manifest(node) is not None

    def outcome(self, node: Node) -> Literal["done", "skipped"] | None:
        """Return the node's outcome; None without a result."""
        found = self.manifest(node)
        return found.outcome if found else None

    def manifest(self, node: Node) -> Manifest | None:
        """Return the manifest of a result after a check of key and file sizes; None without a result."""
        return self._trusted(node, depth="sizes")

    def verified(self, node: Node) -> Manifest | None:
        """Return the manifest after a check of every file's sha256, once per process."""
        return self._trusted(node, depth="bytes")

    def data(self, node: Node) -> Path:
        """Return the verified ``data/`` folder of a done node; DamagedArtifact without one."""
        found = self.verified(node)
        if found is None or found.outcome != "done":
            raise DamagedArtifact(f"{node.title} ({node.name}) has no data in {self.root}")
        return self.folder(node) / "data"

    def notice_once(self, text: str) -> None:
        """Send a message that this store has not sent before."""
        if text not in self._said:
            self._said.add(text)
            self.notice(text)

    @contextmanager
    def hold(self, node: Node, check: Callable[[], None]) -> Iterator[None]:
        """Hold the node's lock; while another process holds it, wait and call ``check``, which may raise."""
        lock, holder = self._lock(node), self.root / "locks" / f"{node.short_key}.json"
        while True:
            with suppress(Timeout):
                lock.acquire(blocking=False)
                break
            # Without the stage's title, so that it is said once for each other process and not for each stage.
            self.notice_once(f"This run is waiting for {_holder(holder)}, which is computing some of the same stages.")
            check()
            time.sleep(_POLL_SECONDS)
        self._held.add(node.key)
        try:
            files.write_json(holder, {"pid": os.getpid(), "host": socket.gethostname(), "run": self._run})
            yield
        finally:
            self._held.discard(node.key)
            lock.release()

    def open_work(self, node: Node) -> Path:
        """Return the work folder, with ``scratch/`` and ``curves/`` of an earlier attempt and nothing else."""
        work = self.work(node)
        if work.is_symlink():
            # The content of a folder outside the store is not ours to drop.
            work.unlink()
        work.mkdir(parents=True, exist_ok=True)
        files.empty_folder(work, keep=frozenset({"scratch", "curves"}))
        (work / "data").mkdir()
        return work

    def commit(
        self, node: Node, *, summary: Mapping[str, Any], provenance: Mapping[str, Any], skipped: str | None = None
    ) -> Manifest:
        """Turn the work folder into the node's result, under its lock; ``skipped`` is the reason for a lack of data."""
        assert node.key in self._held, node.name
        work, final = self.work(node), self.folder(node)
        entries = manifests.list_files(work / "data")
        crash_point("after-outputs")
        manifest = Manifest(
            key=node.key,
            outcome="done" if skipped is None else "skipped",
            reason=skipped,
            summary=summary,
            files=entries,
            node=node.facts(),
            provenance=provenance,
        )
        manifests.write(work, manifest)
        files.empty_folder(work, keep=_KEPT)
        manifests.sync_folder(work)
        crash_point("before-rename")
        final.parent.mkdir(parents=True, exist_ok=True)
        # A rename would silently replace an empty folder on some systems and fail on others.
        with suppress(FileNotFoundError):
            final.rmdir()
        work.rename(final)
        crash_point("after-rename")
        manifests.sync_folder(final.parent)
        self._verified.add(node.key)
        return manifest

    def record_attempt(self, node: Node, attempt: Mapping[str, Any]) -> int:
        """Record a failed attempt, which is never a result; return its number, from 1."""
        folder = self.root / "attempts" / node.short_key
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + len(list(folder.glob("*.json")))
        files.write_json(folder / f"{number}.json", {"schema": 1, "key": node.key, "title": node.title, **attempt})
        return number

    def progress(self, node: Node) -> Progress | None:
        """Return the last progress of a running stage; None without any."""
        with suppress(OSError, UserError):
            return documents.read(self.work(node) / "progress.json", Progress)
        return None

    def _trusted(self, node: Node, *, depth: Literal["sizes", "bytes"]) -> Manifest | None:
        try:
            return self._read(node, depth=depth)
        except DamagedArtifact as damage:
            if node.key in self._held:
                self._set_aside(node, damage)
                return None
        # A store that cannot be written has no result here, and the next write reports it. A lock that is taken is held
        # by a process that finds the damage too, and repairs it.
        with suppress(OSError, Timeout), self._lock(node).acquire(blocking=False):
            try:
                return self._read(node, depth=depth)
            except DamagedArtifact as damage:
                self._set_aside(node, damage)
        return None

    def _lock(self, node: Node) -> FileLock:
        path = self.root / "locks" / f"{node.short_key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    def _read(self, node: Node, *, depth: Literal["sizes", "bytes"]) -> Manifest | None:
        folder = self.folder(node)
        empty = folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
        if empty or not os.path.lexists(folder):
            return None
        manifest = manifests.read(folder)
        if manifest.key != node.key:
            raise DamagedArtifact(f"{manifests.NAME} belongs to another key")
        manifests.check_sizes(manifest, folder / "data")
        if depth == "bytes" and node.key not in self._verified:
            manifests.check_bytes(manifest, folder / "data")
            self._verified.add(node.key)
        return manifest

    def _set_aside(self, node: Node, damage: DamagedArtifact) -> None:
        self._verified.discard(node.key)
        quarantine = self.root / "quarantine"
        quarantine.mkdir(parents=True, exist_ok=True)
        number = 1
        while (place := quarantine / f"{node.name}-{number}").exists():
            number += 1
        self.folder(node).rename(place)
        self.notice(f"{node.title}: {damage}; moved to {place}, will be computed again.")


def _holder(path: Path) -> str:
    try:
        found = documents.read(path, Holder)
    except (OSError, UserError):
        return "another process"
    return f"process {found.run or found.pid} on {found.host}"
