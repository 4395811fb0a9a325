"""What lies in a store, what of it no run needs, and how that is removed: whole, under the node's lock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

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
