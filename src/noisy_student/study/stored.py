"""What lies in a store, read from its manifests without a plan; folders that cannot be read are passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.study import manifest


@dataclass(frozen=True, slots=True)
class Stored:
    """One result: its folder's name, its key, what the key is the digest of, how it ended and how it was made."""

    name: str
    key: str
    facts: Mapping[str, Any]
    outcome: str
    summary: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def stage(self) -> str:
        """The stage that made it."""
        return str(self.facts["stage"])

    @property
    def ended(self) -> float:
        """When it was finished, as time.time()."""
        return float(self.provenance.get("ended", 0.0))


def stored(root: Path) -> dict[str, Stored]:
    """Every readable result under a store's root, by key."""
    found: dict[str, Stored] = {}
    for path in sorted((root / "stages").glob(f"*/{manifest.NAME}")):
        try:
            raw = files.read_json(path)
            result = Stored(
                name=path.parent.name,
                key=raw["key"],
                facts=raw["node"],
                outcome=raw["outcome"],
                summary=raw["summary"],
                provenance=raw["provenance"],
            )
        except (OSError, UserError, ValueError, KeyError, TypeError):
            continue
        found[result.key] = result
    return found
