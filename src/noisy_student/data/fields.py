"""From one row of a file or data set to an ``Item``: which column is the question, which the answer, how it is read.

Columns go by their usual names unless ``Fields`` names them. An answer that holds a worked solution ending in
``#### N`` (GSM8K) is taken apart, its text kept as it is: what becomes of calculator marks is the protocol's to say.
Answers that are missing or no number are collected, so that one message lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from noisy_student.answers.extract import read
from noisy_student.answers.latex import written as written_latex
from noisy_student.answers.math_pool import require_extra
from noisy_student.answers.normalize import canonical_number
from noisy_student.data import source
from noisy_student.data.rows import require_encodable
from noisy_student.data.source import Item
from noisy_student.errors import UserError, nearest
from noisy_student.records import Answer, Kind
from noisy_student.strict import Strict

Need = Literal["required", "optional", "any"]
"""Whether every row must have an answer: only the unlabeled source can do without. ``any`` takes what cannot be read
for unknown, as a pool of a million rows that nobody will mend wants it."""

USUAL = {
    "question": ("question", "text", "problem"),
    "answer": ("answer",),
    "solution": ("solution",),
    "id": ("id",),
    "paraphrase": ("paraphrase",),
    "source": ("source",),
}
SHOWN = 5


class Fields(Strict):
    """The names of the columns; None stands for the first usual name that a row has."""

    question: str | None = None
    """Column with the question's text; usual names: question, text, problem."""
    answer: str | None = None
    """Column with the answer, a number or a worked solution that ends in ``#### N``."""
    solution: str | None = None
    """Column with the worked solution."""
    id: str | None = None
    """Column with an id of the file's own; it must be unique and is used in messages only."""
    paraphrase: str | None = None
    """Column with another wording of the question, which asks the same; null where there is none."""


class ForeignFields(Fields):
    """The columns of a pool that was gathered from several places."""

    source: str | None = None
    """Column that says where a row was taken from; usual name: source."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a file and where it stood."""

    values: Mapping[str, Any]
    place: str


@dataclass(slots=True)
class _Faults:
    """The places of rows that cannot be used, by fault."""

    unreadable: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def raise_any(self, name: str, kind: Kind) -> None:
        if self.unreadable:
            word, words = {"number": ("a number", "numbers"), "math": ("LaTeX", "LaTeX")}[kind]
            raise UserError(
                f"{name}: {len(self.unreadable)} answers cannot be read as {word}: {_listed(self.unreadable)}.",
                why=f"Answers are compared as {words}, so a label that is none can never be right.",
                do="Mend those lines, or write null where the answer is not known.",
            )
        if self.unanswered:
            raise UserError(
                f"{name}: {len(self.unanswered)} questions have no answer: {_listed(self.unanswered)}.",
                why="Only the unlabeled source may have questions without an answer.",
                do='Add the answers, or name the column that holds them (fields = { answer = "…" }).',
            )


def read_items(
    rows: Iterable[Row], name: str, *, fields: Fields, answers: Need, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Every row as an item, in the order of the rows; ``name`` is the file or data set that messages speak of.

    ``label`` becomes the questions' ``source``, unless a column of a foreign pool says where the row is from. Raises
    UserError for a missing column, an empty or repeated id, an empty question, and for answers that are missing where
    they are required or that cannot be read where that matters.
    """
    if kind == "math":
        require_extra()
    items: list[Item] = []
    ids: dict[str, str] = {}
    faults = _Faults()
    for row in rows:
        _check_id(row, fields, ids)
        text = _question_text(row, fields)
        if answers == "required":
            _check_columns(row, fields)
        truth = _truth(row, fields, kind)
        if truth.unreadable is not None and answers != "any":
            faults.unreadable.append(f'{row.place} "{_tail(truth.unreadable)}"')
        elif truth.answer is None and answers == "required":
            faults.unanswered.append(row.place)
        asked = source.question(text, source=_origin(row, fields) or label, kind=kind)
        view = _paraphrase(row, fields, asked.id)
        items.append(Item(asked, truth.answer, truth.solution, place=row.place, paraphrase=view))
    faults.raise_any(name, kind)
    if not items:
        raise UserError(f"{name} holds no questions.", why="There is nothing to split.", do="Check the path.")
    return items


@dataclass(frozen=True, slots=True)
class _Truth:
    """What a row says about its answer; ``unreadable`` is the text that is no number, if it is none."""

    answer: str | None
    solution: str | None
    unreadable: str | None = None


def _truth(row: Row, fields: Fields, kind: Kind) -> _Truth:
    """The row's answer; without an answer column, the one at the end of its solution."""
    written = _text_in(row, fields, "answer")
    solution = _text_in(row, fields, "solution")
    if written is None:
        return _Truth(None if solution is None else _marked_answer(solution, kind), solution)
    answer = canonical_number(written) if kind == "number" else written_latex(written)
    if answer is None:
        answer, solution = _marked_answer(written, kind), solution or written
    return _Truth(answer, solution, unreadable=written if answer is None else None)


def _origin(row: Row, fields: Fields) -> str | None:
    """Where a row of a foreign pool was taken from."""
    return _text_in(row, fields, "source") if isinstance(fields, ForeignFields) else None


def _question_text(row: Row, fields: Fields) -> str:
    value = _value(row, fields, "question")
    if value is None:
        wanted = f'"{fields.question}"' if fields.question else " or ".join(f'"{name}"' for name in USUAL["question"])
        raise UserError(
            f"{row.place} has no question: no column {wanted}.",
            why="Without its text there is nothing to ask.",
            do=f'Name the column (fields = {{ question = "…" }}). {nearest(fields.question or "", row.values)}',
        )
    if not isinstance(value, str):
        raise _wrong_type(row, "question", value)
    require_encodable(value, "question", row.place)
    if not value.strip():
        raise UserError(f"{row.place}: the question is empty.", why="There is nothing to ask.", do="Remove that line.")
    return value


def _paraphrase(row: Row, fields: Fields, asked: str) -> str | None:
    """The row's other wording; None where there is none, or one that is the question ``asked`` again."""
    value = _value(row, fields, "paraphrase")
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_type(row, "paraphrase", value)
    require_encodable(value, "paraphrase", row.place)
    told = source.question(value)
    return told.text if told.text and told.id != asked else None


def _text_in(row: Row, fields: Fields, what: str) -> str | None:
    """A column as text; numbers as JSON writes them, None if the column is absent or null."""
    value = _value(row, fields, what)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(row, what, value)
    if not isinstance(value, str):
        return _decimal(value)
    require_encodable(value, what, row.place)
    return value


def _value(row: Row, fields: Fields, what: str) -> Any:
    """The value of a column, by the name that was given or by the first usual name that the row has."""
    given: str | None = getattr(fields, what)
    names = USUAL[what] if given is None else (given,)
    return next((row.values[name] for name in names if name in row.values), None)


def _check_columns(row: Row, fields: Fields) -> None:
    """Columns that were named must be there, or a slip of the pen would silently drop every solution."""
    # A file to test on has no other wordings.
    for what in sorted(set(fields.model_dump()) - {"question", "paraphrase"}):
        given: str | None = getattr(fields, what)
        if given is not None and given not in row.values:
            raise UserError(
                f'{row.place} has no column "{given}".', why=f"fields.{what} names it.", do=nearest(given, row.values)
            )


def _check_id(row: Row, fields: Fields, places: dict[str, str]) -> None:
    """An id that stands twice would join the wrong rows in whatever is made of the file later."""
    value = _value(row, fields, "id")
    if value is None:
        return
    name = str(value)
    if not name.strip():
        raise UserError(f"{row.place}: the id is empty.", why="Ids tell questions apart.", do="Give it one or drop it.")
    if name in places:
        raise UserError(
            f'{row.place}: the id "{name}" stands at {places[name]} already.',
            why="Ids tell questions apart.",
            do="Give one of the two lines another id, or drop the id column.",
        )
    places[name] = row.place


def _wrong_type(row: Row, what: str, value: Any) -> UserError:
    kind = {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")
    return UserError(f"{row.place}: the {what} is {kind}, not text.", why="It cannot be read.", do="Mend that line.")


def _listed(places: list[str]) -> str:
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more


def _tail(text: str) -> str:
    """The end of a text, where the answer should stand."""
    flat = source.plain_text(text)
    return flat if len(flat) <= 40 else "…" + flat[-39:]


def _marked_answer(text: str, kind: Kind) -> str | None:
    """The answer that a worked solution marks as such, by ``####`` or by a box; a number in passing is none."""
    answer = read(text, "eos", kind=kind)
    return answer.canonical if isinstance(answer, Answer) and answer.method in ("hashes", "boxed") else None


def _decimal(number: int | float) -> str:
    """A JSON number without an exponent, the shortest that reads back as the same."""
    return f"{Decimal(repr(number)):f}"
