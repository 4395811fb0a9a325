"""Items of a source: questions with their known truth, before the split separates the two.

An ``Item`` is the only record that holds a question and its answer together; it stays inside ``data``. A question's id
is a digest of its text, so it depends on neither the order nor the name of a file.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.records import Kind, Question


@dataclass(frozen=True, slots=True)
class Item:
    """A question, its canonical answer and worked solution if known, and the place it was read from.

    ``structure`` names a generated question by its steps and numbers; two items that both have one are compared by it
    alone. ``place`` is ``file:line`` for messages and enters no digest. ``paraphrase`` asks the same in other words.
    """

    question: Question
    answer: str | None = None
    solution: str | None = None
    structure: str | None = None
    place: str = ""
    paraphrase: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Items of one source with each question once, and the number of repetitions dropped."""

    items: tuple[Item, ...]
    repetitions: int


def plain_text(text: str) -> str:
    """Return the text in NFC with each run of white space as one space.

    >>> plain_text("  How\\n many? ")
    'How many?'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def question_id(text: str) -> str:
    """Return the first 16 hex digits of the sha256 of the plain text.

    >>> question_id("How many?") == question_id("How  many? ")
    True
    """
    return hashlib.sha256(plain_text(text).encode()).hexdigest()[:16]


def question(text: str, *, source: str = "", kind: Kind = "number") -> Question:
    """Make a question of ``text`` in NFC, without white space at its ends."""
    return Question(question_id(text), unicodedata.normalize("NFC", text.strip()), kind=kind, source=source)


def merge(items: Iterable[Item]) -> Merged:
    """Keep the richest item of each question, sorted by id; raises UserError if two answers conflict."""
    kept: dict[str, Item] = {}
    count = 0
    for item in items:
        count += 1
        other = kept.get(item.question.id)
        if other is not None:
            require_agreement(other, item)
            item = min(other, item, key=richness)
        kept[item.question.id] = item
    return Merged(tuple(kept[name] for name in sorted(kept)), count - len(kept))


def require_agreement(one: Item, other: Item) -> None:
    """Raise UserError if two items of the same question have different answers."""
    if one.answer is None or other.answer is None or one.answer == other.answer:
        return
    first, second = sorted([one, other], key=lambda item: (item.place, item.answer or ""))
    raise UserError(
        f'"{_short(one.question.text)}" has the answer {first.answer} {_where(first)}'
        f" and {second.answer} {_where(second)}.",
        why="One of the two labels is wrong.",
        do="Correct or remove one of the two lines.",
        code="conflicting-answers",
    )


def digest_of(items: Iterable[Item]) -> str:
    """Return the sha256 of the items' contents, whatever their order."""
    rows = sorted((i.question.id, i.question.text, i.answer or "", i.solution or "", i.structure or "") for i in items)
    return identity.digest(rows)


def richness(item: Item) -> tuple[bool, bool, str, str, str]:
    """Sort key: answered first, then solved; the rest makes the choice deterministic."""
    question = item.question
    return item.answer is None, item.solution is None, item.solution or "", question.text, question.source


def _where(item: Item) -> str:
    return f"at {item.place}" if item.place else "in one place"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
