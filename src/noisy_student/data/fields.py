"""Reads a row of a file or data set as an ``Item``: the columns of question and answer, and the answer's value.

Columns have their usual names unless ``Fields`` names them. An answer that holds a worked solution ending in ``#### N``
(GSM8K) is separated into both; its text is kept, calculator marks included. Missing and unreadable answers are
collected, so one message lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    unreadable: list[str] = []
    unanswered: list[str] = []
    for row in rows:
        _check_id(row, fields, ids)
        text = _question_text(row, fields)
        if answers == "required":
            _check_columns(row, fields)
        answer, solution, faulty = _truth(row, fields, kind)
        if faulty is not None and answers != "any":
            unreadable.append(f'{row.place} "{_tail(faulty)}"')
        elif answer is None and answers == "required":
            unanswered.append(row.place)
        origin = _text_in(row, fields, "source") if isinstance(fields, ForeignFields) else None
        asked = source.question(text, source=origin or label, kind=kind)
        view = _paraphrase(row, fields, asked.id)
        items.append(Item(asked, answer, solution, place=row.place, paraphrase=view))
    _require_answers(name, kind, unreadable, unanswered)
    if not items:
        raise UserError(
            f"{name} has no questions.", why="A split needs questions.", do="Check the path.", code="no-questions"
        )
    return items


def _require_answers(name: str, kind: Kind, unreadable: list[str], unanswered: list[str]) -> None:
    if unreadable:
        word, words = {"number": ("a number", "numbers"), "math": ("LaTeX", "LaTeX")}[kind]
        raise UserError(
            f"{name}: {len(unreadable)} answers cannot be read as {word}: {_listed(unreadable)}.",
            why=f"Answers are compared as {words}, so no sample could match these labels.",
            do="Correct those lines, or write null for an unknown answer.",
            code="answers-unreadable",
        )
    if unanswered:
        raise UserError(
            f"{name}: {len(unanswered)} questions have no answer: {_listed(unanswered)}.",
            why="Only the unlabeled source may have questions without an answer.",
            do='Add the answers, or name their column (fields = { answer = "…" }).',
            code="answers-missing",
        )


def _truth(row: SourceRow, fields: Fields, kind: Kind) -> tuple[str | None, str | None, str | None]:
    """Return the row's answer and solution, and the answer's text if it has no value.

    Without an answer column, the answer is the marked one of the solution.
    """
    written = _text_in(row, fields, "answer")
    solution = _text_in(row, fields, "solution")
    if written is None:
        return None if solution is None else _marked_answer(solution, kind), solution, None
    answer = canonical_number(written) if kind == "number" else written_latex(written)
    if answer is None:
        answer, solution = _marked_answer(written, kind), solution or written
    return answer, solution, written if answer is None else None


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
    value = _string(row, "question", value)
    if not value.strip():
        raise UserError(
            f"{row.place}: the question is empty.",
            why="A model needs a text to answer.",
            do="Remove that line.",
            code="question-empty",
        )
    return value


def _paraphrase(row: SourceRow, fields: Fields, asked: str) -> str | None:
    """Return the row's other wording; None if it is missing or repeats the question ``asked``."""
    value = _value(row, fields, "paraphrase")
    if value is None:
        return None
    told = source.question(_string(row, "paraphrase", value))
    return told.text if told.text and told.id != asked else None


def _text_in(row: SourceRow, fields: Fields, what: str) -> str | None:
    """Return a column as text, numbers in JSON notation; None if it is absent or null."""
    value = _value(row, fields, what)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Without exponent, in the shortest form that reads back equal.
        return f"{Decimal(repr(value)):f}"
    return _string(row, what, value)


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


def _string(row: SourceRow, what: str, value: Any) -> str:
    if not isinstance(value, str):
        kind = {bool: "true or false", list: "a list", dict: "an object", bytes: "bytes that are not UTF-8"}.get(
            type(value), "a number"
        )
        raise UserError(
            f"{row.place}: the {what} is {kind}, not text.",
            why="This column must hold text.",
            do="Correct that line.",
            code="column-not-text",
        )
    require_encodable(value, what, row.place)
    return value


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
