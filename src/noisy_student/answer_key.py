"""True answers by question id, in a module of its own so that a test can forbid its import.

Only ``data``, ``evaluation``, ``study`` and ``cli`` may import this module (``tests/test_architecture.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The true answer of one question in canonical form, and its worked solution if one is known."""

    question_id: str
    answer: str
    solution: str | None = None


AnswerKey: TypeAlias = MappingProxyType[str, KeyEntry]
"""True answers by question id; read-only."""
