"""What may be wrong with a training, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def first_seen(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every condition that the looks ``rows`` found, once, with the step at which it was first seen.

    >>> looks = [{"step": 30, "diagnoses": [{"name": "a"}]}, {"step": 60, "diagnoses": [{"name": "a"}]}]
    >>> first_seen(looks)
    [{'step': 30, 'name': 'a'}]
    """
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        for diagnosis in row["diagnoses"]:
            first.setdefault(diagnosis["name"], {"step": row["step"], **diagnosis})
    return list(first.values())
