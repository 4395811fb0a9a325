"""What may be wrong with a training, in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A named condition: what was seen, why it is so, what to do about it."""

    name: str
    evidence: str
    cause: str
    remedy: str

    @property
    def row(self) -> dict[str, Any]:
        """The diagnosis as one JSON object."""
        return asdict(self)
