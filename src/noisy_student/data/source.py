"""Items of a source: questions with their known truth, before the split separates the two.

An ``Item`` is the only record that holds a question and its answer together; it stays inside ``data``. A question's id
is a digest of its text, so it depends on neither the order nor the name of a file.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.records import Kind, Question


@dataclass(frozen=True, slots=True)
class Item:
    """A question, its canonical answer and worked solution if known, and the place it was read from.

    ``structure`` names a generated question by its steps and numbers; two items that both have one are compared by it
    alone. ``place`` is ``file:line`` for messages and enters no digest. ``paraphrase`` asks the same in other words.
    ``own_id`` is the row's id in the user's file, and ``row`` its place there, counted from 0.
    """

    question: Question
    answer: str | None = None
    solution: str | None = None
    structure: str | None = None
    place: str = ""
    paraphrase: str | None = None
    own_id: str | None = None
    row: int | None = None

    @property
    def origin(self) -> dict[str, str | int]:
        """Return the columns that name the item's row in the user's file; empty for generated questions."""
        named = {"own_id": self.own_id, "row": self.row}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Merged:
    """Items of one source with each question once, and the copies dropped."""

    items: tuple[Item, ...]
    copies: tuple[Item, ...]

    @property
    def repetitions(self) -> int:
        """Return the number of copies dropped."""
        return len(self.copies)


def plain_text(text: str) -> str:
    """Return the text in NFC with each run of white space as one space.

    >>> plain_text("  How\\n many? ")
    'How many?'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def joined(texts: Sequence[str]) -> str:
    """Join context and question; a text of one line stands in one line with the next.

    >>> joined(["Tom has 3 pens", "How many are left?"])
    'Tom has 3 pens. How many are left?'
    """
    whole = ""
    for text in map(str.strip, texts):
        gap = "\n\n" if "\n" in whole else " " if not whole or whole[-1] in ".!?:;,\u3002" else ". "
        whole = whole + gap + text if whole else text
    return whole


def question_id(text: str) -> str:
    """Return the first 16 hex digits of the sha256 of the plain text.

    >>> question_id("How many?") == question_id("How  many? ")
    True
    """
    return hashlib.sha256(plain_text(text).encode()).hexdigest()[:16]


def question(text: str, *, source: str = "", kind: Kind = "number") -> Question:
    """Make a question of ``text`` in NFC, without white space at its ends."""
    return Question(question_id(text), unicodedata.normalize("NFC", text.strip()), kind=kind, source=source)


def same_text(text: str) -> str:
    """Return the text that copies of a question share: in any case, without format characters and repeated blanks.

    >>> same_text("How\\u00ad  MANY?") == same_text("how many?")
    True
    """
    return plain_text(without_format(text)).casefold()


def without_format(text: str) -> str:
    """Return the text without characters that are not shown, such as soft hyphens and joiners (Unicode class Cf)."""
    if text.isascii():
        return text
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf")


def merge(items: Iterable[Item]) -> Merged:
    """Keep the richest item of each question, sorted by id; raises UserError if two answers conflict.

    Copies in another case or spacing are one question.
    """
    kept: dict[str, Item] = {}
    copies: list[Item] = []
    for item in items:
        name = same_text(item.question.text)
        other = kept.setdefault(name, item)
        if other is not item:
            require_agreement(other, item)
            kept[name], copy = sorted((other, item), key=richness)
            copies.append(copy)
    return Merged(tuple(sorted(kept.values(), key=lambda item: item.question.id)), tuple(copies))


def distinct(items: Iterable[Item]) -> list[Item]:
    """Return the richest item of each question id, in the order in which the ids first come.

    Raises UserError if two answers conflict. Copies in another case or spacing stay, since files are joined by id.
    """
    kept: dict[str, Item] = {}
    for item in items:
        other = kept.setdefault(item.question.id, item)
        if other is not item:
            require_agreement(other, item)
            kept[item.question.id] = min(other, item, key=richness)
    return list(kept.values())


def conflicting(items: Iterable[Item]) -> set[str]:
    """Return the ids of all questions that have two answers, copies in another case or spacing among them."""
    answers: dict[str, set[str]] = {}
    ids: dict[str, set[str]] = {}
    for item in items:
        name = same_text(item.question.text)
        ids.setdefault(name, set()).add(item.question.id)
        if item.answer is not None:
            answers.setdefault(name, set()).add(item.answer)
    return {question_id for name, found in answers.items() if len(found) > 1 for question_id in ids[name]}


def require_agreement(one: Item, other: Item) -> None:
    """Raise UserError if two items of the same question have different answers."""
    if one.answer is None or other.answer is None or one.answer == other.answer:
        return
    first, second = sorted([one, other], key=lambda item: (item.place, item.answer or ""))
    copied = "" if one.question.id == other.question.id else " (in another case or spacing)"
    raise UserError(
        f'"{short(first.question.text)}" has the answer {first.answer} {_where(first)}'
        f" and {second.answer} {_where(second)}{copied}.",
        why="One of the two labels is wrong.",
        do="Correct or remove one of the two lines; or leave both out: init --faulty left-out,"
        ' or faulty = "left-out" in a study file.',
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


def short(text: str, most: int = 80) -> str:
    """Return at most ``most`` characters of a text, on one line."""
    flat = plain_text(text)
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _where(item: Item) -> str:
    return f"at {item.place}" if item.place else "in one place"
