"""True answers by question id, in a module of its own so that a test can forbid its import.

Only ``data``, ``evaluation``, ``study`` and ``cli`` may import this module (``tests/test_architecture.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The true answer of one question in canonical form, and its worked solution if one is known."""

    question_id: str
    answer: str
    solution: str | None = None


class AnswerKey(Mapping[str, KeyEntry]):
    """True answers by question id; read-only."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, KeyEntry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, question_id: str) -> KeyEntry:
        return self._entries[question_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
