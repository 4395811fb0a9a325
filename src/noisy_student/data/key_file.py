"""Reads and writes the answer key, ``key.jsonl``; a separate module, so that the wall can forbid importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.data.rows import optional_text, require_distinct, text_of


def write_key(path: Path, key: AnswerKey) -> int:
    """Write ``{"question_id", "answer", "solution"}`` a line, sorted by id."""
    return files.write_jsonl(path, (asdict(key[name]) for name in sorted(key)))


def read_key(path: Path, *, solutions: bool = True) -> AnswerKey:
    """Read a key; ``solutions=False`` saves most of the memory, since only a reveal needs them.

    Raises UserError for unusable rows and repeated questions.
    """
    entries = [_entry(row, place, solutions) for row, place in files.placed_rows(path)]
    require_distinct((entry.question_id for entry in entries), path)
    return AnswerKey({entry.question_id: entry for entry in entries})


def _entry(row: Mapping[str, Any], place: str, solutions: bool) -> KeyEntry:
    answer, solution = text_of(row, "answer", place), optional_text(row, "solution", place)
    return KeyEntry(text_of(row, "question_id", place), answer, solution if solutions else None)
