"""Manifest of a stored result: key, provenance and sha256 of every file under ``data/``.

``MANIFEST.json`` is written last and atomically, so a folder without one is not a result. Its ``seal`` is the digest
of the rest, which reveals damage to the manifest itself.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from noisy_student import documents, files, identity
from noisy_student.documents import Count, Document, Time, shape
from noisy_student.errors import DamagedArtifact, UserError
from noisy_student.pipeline.crash_points import crash_point
from noisy_student.pipeline.node import KEY_DIGITS

NAME = "MANIFEST.json"
SCHEMA = 1
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file under ``data/``: its path there with forward slashes, its bytes, its sha256."""

    path: str
    size: int
    sha256: str


_FACTS = {"scheme": int, "stage": str, "code": str, "spec": dict[str, Any], "seed": int | None}
FACTS = shape(Document, {**_FACTS, "inputs": dict[str, list[str]]})
"""A node in its manifest: the JSON whose digest is the key."""
MAKING = shape(Document, **dict.fromkeys(("seconds", "cpu_seconds", "started", "ended"), Time), imported=bool, host=str)
"""Fields that are read of a manifest's provenance."""


class _Written(Document):
    """The fields of ``MANIFEST.json`` without its seal."""

    largest: ClassVar[int] = 16 * 2**20

    schema_: Literal[1] = Field(alias="schema")
    key: str
    outcome: Literal["done", "skipped"]
    reason: str | None
    summary: dict[str, Any]
    files: list[shape(Document, {"path": str, "size": Count, "sha256": str})]  # type: ignore[valid-type]
    node: FACTS  # type: ignore[valid-type]
    provenance: MAKING  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Facts about a committed folder."""

    key: str
    outcome: Literal["done", "skipped"]
    reason: str | None
    """Reason of a skipped node; None for a done one."""
    summary: Mapping[str, Any]
    """Return value of the stage."""
    files: tuple[FileEntry, ...]
    node: Mapping[str, Any]
    """Facts whose digest is the key."""
    provenance: Mapping[str, Any]
    """Command, host, time and versions of its making; they differ from run to run."""

    @property
    def output_digest(self) -> str:
        """Digest of everything under ``data/``."""
        return identity.digest([asdict(entry) for entry in self.files])


def list_files(data: Path) -> tuple[FileEntry, ...]:
    """List the files under ``data``, sorted, hashed and synced; raises ValueError for a link, FIFO or device."""
    entries = []
    for path in _walk(data):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError(f"{path} is a link, FIFO or device: the data of a stage must be regular files of its own")
        with path.open("rb") as file:
            os.fsync(file.fileno())
        entries.append(FileEntry(path.relative_to(data).as_posix(), path.stat().st_size, files.sha256_file(path)))
        crash_point("mid-output")
    for folder in (data, *(path for path in data.rglob("*") if path.is_dir())):
        sync_folder(folder)
    return tuple(entries)


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into ``folder`` atomically; raises ValueError or TypeError if it is not JSON."""
    body = {"schema": SCHEMA, **asdict(manifest)}
    if fault := documents.unbounded(body):
        raise ValueError(f"the summary or settings of {manifest.node.get('stage')} hold {fault}")
    text = json.dumps({**body, "seal": identity.digest(body)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    content = text.encode()
    temporary = folder / f".{NAME}.tmp"
    with temporary.open("wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        crash_point("half-manifest")
        file.write(content[len(content) // 2 :])
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)
    sync_folder(folder)


def read(folder: Path) -> Manifest:
    """Read the manifest of a folder.

    Raises DamagedArtifact if folder or manifest is a link, a field does not fit, the seal is broken, or the key is not
    the digest of the node's facts.
    """
    path = folder / NAME
    for place in (folder, path, folder / "curves"):
        if place.is_symlink():
            raise DamagedArtifact(f"{place.name} is a symbolic link, and results are regular files and folders")
    try:
        raw = documents.read_plain(path, _Written)
        sealed = raw.pop("seal", None) if isinstance(raw, dict) else None
        documents.fitted(raw, _Written, place=NAME)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedArtifact(f"{NAME} is missing") from error
    except UserError as error:
        raise DamagedArtifact(f"{NAME} cannot be read: {error.what}") from error
    if sealed != identity.digest(raw):
        raise DamagedArtifact(f"{NAME} was changed after it was written")
    if raw["key"] != identity.digest(raw["node"]):
        raise DamagedArtifact(f"the key in {NAME} is not the digest of its node")
    entries = tuple(FileEntry(item["path"], item["size"], item["sha256"]) for item in raw["files"])
    parts = {name: raw[name] for name in ("key", "outcome", "reason", "summary", "node", "provenance")}
    return Manifest(**parts, files=entries)


def check_sizes(manifest: Manifest, data: Path) -> None:
    """Raise DamagedArtifact unless ``data`` is a folder of exactly the listed files, all regular, at their sizes."""
    if data.is_symlink():
        raise DamagedArtifact(f"{data.name} is a symbolic link, and results are regular files and folders")
    try:
        states = {path.relative_to(data).as_posix(): path.lstat() for path in _walk(data)}
    except FileNotFoundError as error:
        raise DamagedArtifact(f"{error.filename} disappeared") from error
    if strange := [path for path, state in states.items() if not stat.S_ISREG(state.st_mode)]:
        raise DamagedArtifact(f"data/{strange[0]} is a link, FIFO or device, not a regular file")
    found = {path: state.st_size for path, state in states.items()}
    expected = {entry.path: entry.size for entry in manifest.files}
    for path in sorted(expected.keys() | found.keys()):
        if path not in found:
            raise DamagedArtifact(f"data/{path} is missing")
        if path not in expected:
            raise DamagedArtifact(f"data/{path} does not belong there")
        if found[path] != expected[path]:
            raise DamagedArtifact(f"data/{path} has {found[path]} bytes, not {expected[path]}")


def check_bytes(manifest: Manifest, data: Path) -> None:
    """Raise DamagedArtifact unless every listed file has its sha256."""
    for entry in manifest.files:
        path = data / entry.path
        try:
            intact = not path.is_symlink() and files.sha256_file(path) == entry.sha256
        except FileNotFoundError as error:
            raise DamagedArtifact(f"data/{entry.path} disappeared") from error
        except UserError as error:
            raise DamagedArtifact(f"data/{entry.path} cannot be read: {error.what}") from error
        if not intact:
            raise DamagedArtifact(f"data/{entry.path} has other bytes than were written")


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(data: Path) -> Iterator[Path]:
    return (path for path in sorted(data.rglob("*")) if path.is_symlink() or not path.is_dir())


@dataclass(frozen=True, slots=True)
class Stored:
    """One result: folder name, key, facts of the key, outcome, summary and provenance."""

    name: str
    key: str
    facts: Mapping[str, Any]
    outcome: str
    summary: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def stage(self) -> str:
        """Its stage."""
        return str(self.facts["stage"])


def stored(root: Path, left_out: Callable[[str], None] = _LOG.warning) -> dict[str, Stored]:
    """Return all results under a store's root with an intact manifest, by key; ``left_out`` receives a line for others.

    Of ``data/`` nothing is read.
    """
    found: dict[str, Stored] = {}
    for folder in sorted((root / "stages").glob("*")):
        try:
            one = read(folder)
            name = f"{one.node['stage']}-{one.key[:KEY_DIGITS]}"
            if name != folder.name:
                raise DamagedArtifact(f"{NAME} belongs to {name}")
        except DamagedArtifact as damage:
            if any(folder.iterdir()) if folder.is_dir() else True:
                left_out(f"{folder} is left out: {damage}.")
            continue
        found[one.key] = Stored(name, one.key, one.node, one.outcome, one.summary, one.provenance)
    return found
