"""The one visible way from the key to training: true answers as labels of origin ``revealed`` (oracle, controls)."""

from __future__ import annotations

from collections.abc import Iterable

from noisy_student.answer_key import AnswerKey
from noisy_student.records import Label


def reveal(question_ids: Iterable[str], key: AnswerKey) -> list[Label]:
    """Return the key's answers and worked texts for these questions, sorted by id; unknown ones are left out."""
    known = sorted(set(question_ids) & set(key))
    return [Label(name, key[name].answer, key[name].solution, "revealed") for name in known]
