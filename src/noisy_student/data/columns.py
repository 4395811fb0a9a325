"""Columns of a data set: finds those of question, context, choices, answer, solution and id, and reads their texts.

Usual names are found in any case and with any separators (``Final Answer`` is ``final_answer``). A dotted name such as
``reward_model.ground_truth`` reads an object inside a row. A list of chat turns is the user's turn in the question and
the assistant's in the answer; a list of one value is that value.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from noisy_student.data.rows import require_encodable
from noisy_student.errors import UserError, nearest

PEEK = 1000
"""Rows at the start of a file that decide which columns are read."""

_USUAL = {
    "question": "question.stem question text problem prompt query instruction input questiontext problemtext"
    " questionstem questionbody squestion stem task messages conversations",
    "answer": "answer finalanswer finalans lsolutions answernumber numericanswer groundtruth gold goldanswer target"
    " correctanswer expectedanswer correct answerkey correctoption answeridx answerindex rewardmodel.groundtruth label"
    " completion output response messages conversations",
    "solution": "solution workedsolution",
    "id": "id uniqueid uid qid",
    "paraphrase": "paraphrase",
    "source": "source",
    "context": "body context passage premise story background scenario paragraph article",
    "choices": "choices options answeroptions question.choices",
}
USUAL = {role: tuple(names.split()) for role, names in _USUAL.items()}
"""Usual names of each role in order of preference, as ``plain`` writes them."""
INSTRUCTED = "input"
"""Column that holds the question's data where ``instruction`` is the question."""
PARTNERS: Mapping[str, tuple[str, ...]] = {
    "completion": ("prompt",),
    "output": ("instruction", "input"),
    "response": ("query", "instruction"),
    "messages": ("messages",),
    "conversations": ("conversations",),
}
"""Columns of answers that count only beside these columns of questions; alone they may hold a model's texts."""
VOTED = "agreement"
"""Column of rows that ``label`` wrote: their ``label`` is a pseudo-label, no answer."""
LETTERED = ("{}", "option{}", "choice{}", "op{}", "answer{}")
"""Names of columns that hold one option each, with the letter for ``{}``."""
NO_COLUMN = "none"
"""Value of ``fields.context`` that joins no column."""
_ABSENT = object()

Reads = Callable[[str], str | None]
"""Returns the value of a written answer, None if it cannot be read."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One object of a file and its place in it."""

    values: Mapping[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that a file's rows are read by; ``unread`` are the others.

    ``answers`` are other usual columns of answers, for rows without the column ``answer``.
    """

    question: str
    answer: str | None
    answers: tuple[str, ...]
    solution: str | None
    context: tuple[str, ...]
    choices: tuple[str, ...]
    id: str | None
    paraphrase: str | None
    source: str | None
    unread: tuple[str, ...]


@functools.lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a column's name in lower case, letters, digits and dots only.

    >>> plain("Final Answer"), plain("reward_model.ground_truth")
    ('finalanswer', 'rewardmodel.groundtruth')
    """
    # A name in another script keeps its letters.
    return re.sub(r"[^\w.]|_", "", name.casefold()) or name


def _at(values: Mapping[str, Any], name: str) -> Any:
    key = _key(values, name)
    if key is not None:
        return values[key]
    first, dot, rest = name.partition(".")
    key = _key(values, first) if dot else None
    inside = None if key is None else values[key]
    return _at(inside, rest) if isinstance(inside, Mapping) else _ABSENT


def value_at(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a column, or of an object inside one by a dotted name; None if it is absent."""
    return None if (value := _at(values, name)) is _ABSENT else value


def has_column(values: Mapping[str, Any], name: str) -> bool:
    """Return True if the row has the column, whatever it holds."""
    return _at(values, name) is not _ABSENT


def _key(values: Mapping[str, Any], name: str) -> str | None:
    """Return the row's own name of a column: the exact one first, then one that differs in case or separators."""
    if name in values:
        return name
    wanted = plain(name)
    return next((key for key in values if plain(key) == wanted), None)


def choose(rows: Sequence[SourceRow], given: Mapping[str, str | None], *, reads: Reads) -> Columns:
    """Choose the columns by the first rows of a file; ``given`` holds the names in the settings.

    Of several usual names, the first that holds values is taken; of several answers, the first that ``reads`` can read
    in half of its rows. Raises UserError if another column of answers holds other values.
    """
    joined = {role: _joined(given.get(role)) for role in ("context", "choices")}
    for role, named in joined.items():
        for name in named or ():
            if not any(has_column(row.values, name) for row in rows):
                raise column_missing(rows[0], role, name)
    found = {role: _role(role, rows, given.get(role)) for role in USUAL if role not in joined}
    question = found["question"] or USUAL["question"][1]
    written = given.get("answer")
    answers = [written] if written else _answers(rows, question, reads)
    answer, others = (answers[0], answers[1:]) if answers else (None, [])
    context = _context(rows, question) if joined["context"] is None else joined["context"]
    choices = _choices(rows) if joined["choices"] is None else joined["choices"]
    if not given.get("solution") and found["solution"] == answer:
        found["solution"] = None
    own = {role: found[role] for role in ("solution", "id", "paraphrase", "source")}
    read = {name.partition(".")[0] for name in (question, answer, *others, *own.values(), *context, *choices) if name}
    every = dict.fromkeys(key for row in rows for key in row.values)
    return Columns(
        question,
        answer,
        tuple(others),
        context=context,
        choices=choices,
        unread=tuple(name for name in every if name not in read),
        **own,
    )


def _role(role: str, rows: Sequence[SourceRow], given: str | None) -> str | None:
    if given is not None:
        return given
    usable = _present(rows, USUAL[role])
    return next((name for name in usable if _filled(rows, name)), usable[0] if usable else None)


def _answers(rows: Sequence[SourceRow], question: str, reads: Reads) -> list[str]:
    """Return the usual columns of answers that the rows have, the one to read first."""
    voted = any(has_column(row.values, VOTED) for row in rows)
    names = [name for name in USUAL["answer"] if not (voted and name == "label")]
    names = [name for name in names if name not in PARTNERS or plain(question) in PARTNERS[name]]
    usable = [name for name in _present(rows, names) if plain(name) == "answer" or not _flags(rows, name)]
    texts = {name: [_safe_text(row, name) for row in rows] for name in usable}
    read = {name: [None if text is None else reads(text) for text in column] for name, column in texts.items()}
    held = {name: sum(text is not None for text in column) for name, column in texts.items()}
    if any(held[name] for name in usable if plain(name) != "label"):
        # Beside a filled column of answers, a label is a class or a difficulty.
        usable = [name for name in usable if plain(name) != "label"]
    good = [name for name in usable if held[name] and 2 * sum(v is not None for v in read[name]) >= held[name]]
    for other in good[1:]:
        _require_one_answer(rows, (good[0], other), (read[good[0]], read[other]))
    return list(dict.fromkeys([*good, *(name for name in usable if _filled(rows, name)), *usable]))


def _flags(rows: Sequence[SourceRow], name: str) -> bool:
    """Return True if a column holds true and false only: a mark such as ``correct``, no answer."""
    values = [value for row in rows if (value := value_at(row.values, name)) is not None]
    return bool(values) and all(isinstance(value, bool) for value in values)


def _require_one_answer(
    rows: Sequence[SourceRow], names: tuple[str, str], read: tuple[Sequence[str | None], Sequence[str | None]]
) -> None:
    """Raise UserError for a row in which two columns of answers hold different values."""
    for row, one, other in zip(rows, *read, strict=True):
        if one is not None and other is not None and one != other:
            raise UserError(
                f'{row.place}: the answer is {one} in "{names[0]}" and {other} in "{names[1]}".',
                why="Both columns may hold the true answers.",
                do=f'Name the column: --answer {names[0]}, or in a study file fields = {{ answer = "{names[0]}" }}.',
                code="answer-column-ambiguous",
            )


def _safe_text(row: SourceRow, name: str) -> str | None:
    try:
        return text_in(row, name, "answer")
    except UserError:
        return None


def _context(rows: Sequence[SourceRow], question: str) -> tuple[str, ...]:
    names = [*USUAL["context"], *([INSTRUCTED] if plain(question) == "instruction" else [])]
    return tuple(
        name
        for name in _present(rows, names)
        if plain(name) != plain(question)
        and any(isinstance(value_at(row.values, name), str) and value_at(row.values, name).strip() for row in rows)
    )


def _choices(rows: Sequence[SourceRow]) -> tuple[str, ...]:
    for name in _present(rows, USUAL["choices"]):
        if _filled(rows, name):
            return (name,)
    for form in LETTERED:
        names = [_written_as(rows, form.format(letter)) for letter in "abcdefgh"]
        lettered = [name for name in itertools.takewhile(bool, names) if name]
        if len(lettered) > 1 and all(_filled(rows, name) for name in lettered[:2]):
            return tuple(lettered)
    return ()


def _joined(given: str | None) -> tuple[str, ...] | None:
    """Return the columns that a setting names, without any for ``none``; None if it is not set."""
    parts = None if given is None else [part.strip() for part in given.split("+") if part.strip()]
    return None if parts is None else tuple(parts if parts != [NO_COLUMN] else ())


def _present(rows: Sequence[SourceRow], names: Iterable[str]) -> list[str]:
    return [found for name in names if (found := _written_as(rows, name)) is not None]


def _written_as(rows: Sequence[SourceRow], name: str) -> str | None:
    """Return a usual column's name as the file writes it; None if no row has it."""
    for row in rows:
        if (key := _key(row.values, name)) is not None:
            return key
        if has_column(row.values, name):
            first, _, rest = name.partition(".")
            return f"{_key(row.values, first)}.{_key(value_at(row.values, first), rest) or rest}"
    return None


def _filled(rows: Sequence[SourceRow], name: str) -> bool:
    return any(value_at(row.values, name) not in (None, "", []) for row in rows)


def answer_column(row: SourceRow, columns: Columns) -> str | None:
    """Return the column of a row's answer: another usual one where the row lacks the file's."""
    if columns.answer is None or has_column(row.values, columns.answer):
        return columns.answer
    return next((name for name in columns.answers if has_column(row.values, name)), columns.answer)


def text_in(row: SourceRow, name: str | None, what: str) -> str | None:
    """Return a column as text, numbers in decimal notation; None if it is absent, null, blank or not a number (NaN).

    ``what`` is the role in messages. Raises UserError for other values.
    """
    value = None if name is None else value_at(row.values, name)
    if isinstance(value, list) and value and all(isinstance(turn, Mapping) for turn in value):
        value = _turn(row, what, value)
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, list) and what == "answer" and all(isinstance(one, str | int | float) for one in value):
        # Several answers are read as they would be written, and so mostly refused with their line.
        value = ", ".join(map(str, value))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # Without exponent, in the shortest form that reads back equal.
        value = f"{value if isinstance(value, Decimal) else Decimal(repr(value)):f}"
    if not isinstance(value, str):
        raise not_text(row, what, value)
    require_encodable(value, what, row.place)
    return value if value.strip() else None


_ROLES = {"question": ("user", "human"), "answer": ("assistant", "gpt", "model"), "solution": ("assistant", "gpt")}


def _turn(row: SourceRow, what: str, turns: Sequence[Mapping[str, Any]]) -> Any:
    """Return the text of the one chat turn that belongs to a role; None for an answer without an assistant's turn."""
    roles = _ROLES.get(what, ())
    own = [turn for turn in turns if turn.get("role", turn.get("from")) in roles]
    if len(own) > 1 or (not own and what == "question"):
        raise UserError(
            f"{row.place}: the {what} is a chat with {len(own)} turns of the {roles[0] if roles else what}.",
            why="A question is one turn of a user, and its answer one of the assistant.",
            do="Keep one turn of each.",
            code="chat-not-one-turn",
        )
    if not own:
        return None
    content = own[0].get("content", own[0].get("value"))
    if isinstance(content, list) and all(isinstance(part, Mapping) and "text" in part for part in content):
        return "\n".join(str(part["text"]) for part in content)
    return content


def not_text(row: SourceRow, what: str, value: Any) -> UserError:
    """Return the error for a value that is no text."""
    kinds: Mapping[type, str] = {bool: "true or false", dict: "an object", bytes: "bytes"}
    kind = f"a list of {len(value)}" if isinstance(value, list) else kinds.get(type(value), type(value).__name__)
    inside = [str(key) for key in value] if isinstance(value, Mapping) else []
    return UserError(
        f"{row.place}: the {what} is {kind}, not text.",
        why="This column must hold text.",
        do=f"Name a column inside it, such as --{what} COLUMN.{inside[0]}." if inside else "Correct that line.",
        code="column-not-text",
    )


def require_distinct_names(names: Sequence[str], place: str) -> None:
    """Raise UserError for a repeated name of a column."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise UserError(
            f'{place} names two columns "{twice}".',
            why="A row would hold two values under one name.",
            do="Rename one of them.",
            code="column-repeated",
        )


def column_missing(row: SourceRow, role: str, given: str | None) -> UserError:
    """Return the error for a column that is absent; the remedy names the flag of a verb and the key of a study file."""
    usual = [name for name in USUAL[role] if "." not in name][:4]
    wanted = f'"{given}"' if given else " or ".join(f'"{name}"' for name in usual)
    columns = [str(name) for name in row.values]
    named = f" Its columns are {', '.join(columns[:8])}{' …' if len(columns) > 8 else ''}." if columns else ""
    return UserError(
        f"{row.place} has no {role}: no column {wanted}.{named}",
        why=f"The {role} is read from it.",
        do=f'Name the column: --{role} COLUMN, or in a study file fields = {{ {role} = "COLUMN" }}.'
        f" {nearest(given or role, row.values)}".rstrip(),
        code="column-missing",
    )
