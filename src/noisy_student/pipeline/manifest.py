"""Manifest of a stored result: key, provenance and sha256 of every file under ``data/``.

``MANIFEST.json`` is written last and atomically, so a folder without one is not a result. Its ``seal`` is the digest
of the rest, which reveals damage to the manifest itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from noisy_student import files, identity
from noisy_student.errors import DamagedArtifact, UserError
from noisy_student.pipeline.crash_points import crash_point

NAME = "MANIFEST.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file under ``data/``: its path there with forward slashes, its bytes, its sha256."""

    path: str
    size: int
    sha256: str


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
    """List the files under ``data``, sorted, hashed and synced to disk; raises ValueError for a link."""
    entries = []
    for path in _walk(data):
        if path.is_symlink():
            raise ValueError(f"{path} is a link: the data of a stage must be its own")
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
    """Read the manifest of a folder; DamagedArtifact if it is missing, unparsable, or its seal is broken."""
    path = folder / NAME
    try:
        raw = files.read_json(path)
        seal = raw.pop("seal")
        if seal != identity.digest(raw) or raw.pop("schema") != SCHEMA:
            raise DamagedArtifact(f"{NAME} was changed after it was written")
        return Manifest(**{**raw, "files": tuple(FileEntry(**entry) for entry in raw["files"])})
    except FileNotFoundError as error:
        raise DamagedArtifact(f"{NAME} is missing") from error
    except (UserError, KeyError, TypeError, ValueError, AttributeError, RecursionError, NotADirectoryError) as error:
        raise DamagedArtifact(f"{NAME} cannot be read: {error}") from error


def check_sizes(manifest: Manifest, data: Path) -> None:
    """Raise DamagedArtifact unless ``data`` holds exactly the listed files at their sizes."""
    try:
        found = {path.relative_to(data).as_posix(): path.lstat().st_size for path in _walk(data)}
    except FileNotFoundError as error:
        raise DamagedArtifact(f"{error.filename} disappeared") from error
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
        except (FileNotFoundError, UserError) as error:
            raise DamagedArtifact(f"data/{entry.path} disappeared") from error
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

    @property
    def ended(self) -> float:
        """Time of its end, as time.time()."""
        return float(self.provenance.get("ended", 0.0))


def stored(root: Path) -> dict[str, Stored]:
    """Return all readable results under a store's root, by key."""
    found: dict[str, Stored] = {}
    for path in sorted((root / "stages").glob(f"*/{NAME}")):
        try:
            raw = files.read_json(path)
            parts = [raw[name] for name in ("key", "node", "outcome", "summary", "provenance")]
            found[raw["key"]] = Stored(path.parent.name, *parts)
        except (OSError, UserError, ValueError, KeyError, TypeError):
            continue
    return found
