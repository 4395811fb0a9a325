"""Reads a row of a file or data set as an ``Item``: the columns of question and answer, and the answer's value.

Columns have their usual names unless ``Fields`` names them. An answer that holds a worked solution ending in ``#### N``
(GSM8K) is separated into both; its text is kept, calculator marks included. Missing and unreadable answers are
collected, so one message lists them all.
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
"""Need of an answer in each row: only the unlabeled source may lack them. ``any`` treats unreadable answers as unknown,
for large pools that nobody will correct."""

USUAL = {
    "question": ("question", "text", "problem"),
    "answer": ("answer",),
    "solution": ("solution",),
    "id": ("id",),
    "paraphrase": ("paraphrase",),
    "source": ("source",),
}
SHOWN = 5
"""Rows that a message lists."""


class Fields(Strict):
    """Names of the columns; None is the first usual name that a row has."""

    question: str | None = None
    """Column of the question's text; usual names: question, text, problem."""
    answer: str | None = None
    """Column of the answer: a number, or a worked solution that ends in ``#### N``."""
    solution: str | None = None
    """Column of the worked solution."""
    id: str | None = None
    """Column of the file's own ids, which must be unique; used in messages only."""
    paraphrase: str | None = None
    """Column of another wording of the same question, or null."""


class ForeignFields(Fields):
    """Columns of a pool gathered from several sources."""

    source: str | None = None
    """Column that names a row's origin; usual name: source."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One object of a file and its place in it."""

    values: Mapping[str, Any]
    place: str


@dataclass(slots=True)
class _Faults:
    """Places of the rows that cannot be used, by fault."""

    unreadable: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def raise_any(self, name: str, kind: Kind) -> None:
        if self.unreadable:
            word, words = {"number": ("a number", "numbers"), "math": ("LaTeX", "LaTeX")}[kind]
            raise UserError(
                f"{name}: {len(self.unreadable)} answers cannot be read as {word}: {_listed(self.unreadable)}.",
                why=f"Answers are compared as {words}, so no sample could match these labels.",
                do="Correct those lines, or write null for an unknown answer.",
                code="answers-unreadable",
            )
        if self.unanswered:
            raise UserError(
                f"{name}: {len(self.unanswered)} questions have no answer: {_listed(self.unanswered)}.",
                why="Only the unlabeled source may have questions without an answer.",
                do='Add the answers, or name their column (fields = { answer = "…" }).',
                code="answers-missing",
            )


def read_items(
    rows: Iterable[SourceRow], name: str, *, fields: Fields, answers: Need, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every row as an item, in the order of the rows; ``name`` is the file or data set in messages.

    ``label`` becomes the questions' ``source``, unless a foreign pool has a source column. Raises UserError for a
    missing column, an empty or repeated id, an empty question, and for missing or unreadable answers as ``answers``
    requires them.
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
        raise UserError(
            f"{name} has no questions.", why="The split needs some.", do="Check the path.", code="no-questions"
        )
    return items


@dataclass(frozen=True, slots=True)
class _Truth:
    """A row's answer and solution; ``unreadable`` is the answer's text if it has no value."""

    answer: str | None
    solution: str | None
    unreadable: str | None = None


def _truth(row: SourceRow, fields: Fields, kind: Kind) -> _Truth:
    """Read the row's answer; without an answer column, the marked answer of its solution."""
    written = _text_in(row, fields, "answer")
    solution = _text_in(row, fields, "solution")
    if written is None:
        return _Truth(None if solution is None else _marked_answer(solution, kind), solution)
    answer = canonical_number(written) if kind == "number" else written_latex(written)
    if answer is None:
        answer, solution = _marked_answer(written, kind), solution or written
    return _Truth(answer, solution, unreadable=written if answer is None else None)


def _origin(row: SourceRow, fields: Fields) -> str | None:
    """Return the origin of a row of a foreign pool."""
    return _text_in(row, fields, "source") if isinstance(fields, ForeignFields) else None


def _question_text(row: SourceRow, fields: Fields) -> str:
    value = _value(row, fields, "question")
    if value is None:
        wanted = f'"{fields.question}"' if fields.question else " or ".join(f'"{name}"' for name in USUAL["question"])
        raise UserError(
            f"{row.place} has no question: no column {wanted}.",
            why="The question's text is read from it.",
            do=f'Name the column (fields = {{ question = "…" }}). {nearest(fields.question or "", row.values)}',
            code="column-missing",
        )
    if not isinstance(value, str):
        raise _wrong_type(row, "question", value)
    require_encodable(value, "question", row.place)
    if not value.strip():
        raise UserError(
            f"{row.place}: the question is empty.",
            why="A model needs a text to answer.",
            do="Remove that line.",
            code="question-empty",
        )
    return value


def _paraphrase(row: SourceRow, fields: Fields, asked: str) -> str | None:
    """Return the row's other wording; None if there is none or it repeats the question ``asked``."""
    value = _value(row, fields, "paraphrase")
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_type(row, "paraphrase", value)
    require_encodable(value, "paraphrase", row.place)
    told = source.question(value)
    return told.text if told.text and told.id != asked else None


def _text_in(row: SourceRow, fields: Fields, what: str) -> str | None:
    """Return a column as text, numbers in JSON notation; None if it is absent or null."""
    value = _value(row, fields, what)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(row, what, value)
    if not isinstance(value, str):
        return _decimal(value)
    require_encodable(value, what, row.place)
    return value


def _value(row: SourceRow, fields: Fields, what: str) -> Any:
    """Return a column's value, by its given name or the first usual name that the row has."""
    given: str | None = getattr(fields, what)
    names = USUAL[what] if given is None else (given,)
    return next((row.values[name] for name in names if name in row.values), None)


def _check_columns(row: SourceRow, fields: Fields) -> None:
    """Raise UserError if a named column is missing: a typo would silently drop every solution."""
    # Test files have no other wordings.
    for what in sorted(set(fields.model_dump()) - {"question", "paraphrase"}):
        given: str | None = getattr(fields, what)
        if given is not None and given not in row.values:
            raise UserError(
                f'{row.place} has no column "{given}".',
                why=f"fields.{what} names it.",
                do=nearest(given, row.values),
                code="column-missing",
            )


def _check_id(row: SourceRow, fields: Fields, places: dict[str, str]) -> None:
    """Raise UserError for an empty or repeated id, which would join wrong rows later."""
    value = _value(row, fields, "id")
    if value is None:
        return
    name = str(value)
    if not name.strip():
        raise UserError(
            f"{row.place}: the id is empty.",
            why="Ids identify questions.",
            do="Add an id, or drop the id column.",
            code="id-empty",
        )
    if name in places:
        raise UserError(
            f'{row.place}: the id "{name}" is also at {places[name]}.',
            why="Ids identify questions.",
            do="Change one of the two ids, or drop the id column.",
            code="id-repeated",
        )
    places[name] = row.place


def _wrong_type(row: SourceRow, what: str, value: Any) -> UserError:
    kind = {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")
    return UserError(
        f"{row.place}: the {what} is {kind}, not text.",
        why="This column must hold text.",
        do="Correct that line.",
        code="column-not-text",
    )


def _listed(places: list[str]) -> str:
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more


def _tail(text: str) -> str:
    """Return the end of a text, where the answer should be."""
    flat = source.plain_text(text)
    return flat if len(flat) <= 40 else "…" + flat[-39:]


def _marked_answer(text: str, kind: Kind) -> str | None:
    """Return the answer that a worked solution marks by ``####`` or a box; other numbers do not count."""
    answer = read(text, "eos", kind=kind)
    return answer.canonical if isinstance(answer, Answer) and answer.method in ("hashes", "boxed") else None


def _decimal(number: int | float) -> str:
    """Write a JSON number without exponent, in the shortest form that reads back equal."""
    return f"{Decimal(repr(number)):f}"
