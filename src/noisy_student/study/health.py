"""What the looks at a student's training found, wherever it was trained and whether or not it was stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from noisy_student import files
from noisy_student.study.node import Node
from noisy_student.study.store import Store
from noisy_student.training.health.diagnosis import first_seen
from noisy_student.training.health.spec import FILE


def looks(training: Node, store: Store) -> list[Mapping[str, Any]]:
    """The rows of a training's looks; none where it was not looked at, or where its curves were dropped."""
    path = store.folder(training) / "curves" / FILE
    return list(files.read_jsonl(path)) if path.is_file() else []


def health(training: Node | None, store: Store, *, name: str, own: Collection[str] = ()) -> dict[str, Any] | None:
    """The steps after which a training was looked at, every condition found once, and what misleads; None without.

    A remedy names a setting of the run; where the condition ``name`` has ``own`` GRPO settings, it names those.
    """
    rows = [] if training is None else [row for row in looks(training, store) if "moved" in row]
    if not rows:
        return None
    return {
        "looks": [row["step"] for row in rows],
        "found": [{**found, "remedy": _named(found["remedy"], name, own)} for found in first_seen(rows)],
        "misleading": list(rows[-1]["misleading"]),
    }


def _named(remedy: str, name: str, own: Collection[str]) -> str:
    for field in own:
        # A field may be a table, of which the remedy names a part.
        for end in ("=", "."):
            remedy = remedy.replace(f"--set grpo.{field}{end}", f"--set conditions.{name}.grpo.{field}{end}")
    return remedy
