"""Reads and writes questions and labels as JSONL rows between stages; ``key_file`` does so for the truth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.records import Finish, Kind, Label, Origin, Question

T = TypeVar("T")
ORIGINS: Mapping[str, Origin] = {name: name for name in get_args(Origin)}
TRAINING_PARTS = ("labeled", "unlabeled", "foreign")
KINDS: Mapping[str, Kind] = {name: name for name in get_args(Kind)}
FINISHES: Mapping[str, Finish] = {name: name for name in get_args(Finish)}


def write_questions(
    path: Path, questions: Iterable[Question], origins: Mapping[str, Mapping[str, Any]] | None = None
) -> int:
    """Write ``{"id", "text"}`` a line; ``kind`` and ``source`` only if they differ from the default.

    ``origins`` maps a question's id to more columns: ``own_id`` and ``row`` in the user's file.
    """
    more = origins or {}
    return files.write_jsonl(path, ({**question_row(asked), **more.get(asked.id, {})} for asked in questions))


@dataclass(frozen=True, slots=True)
class FileRow:
    """A question's id in the user's file and its place there, counted from 0; None for generated questions."""

    own_id: str | None
    row: int | None


def read_file_rows(split: Path) -> dict[str, FileRow]:
    """Return the file rows of all questions in a split's folder by question id."""
    parts = [path for name in (*TRAINING_PARTS, "dev", "test") if (path := split / f"{name}.jsonl").is_file()]
    rows = (row for path in parts for row in files.read_jsonl(path))
    return {row["id"]: FileRow(row.get("own_id"), row.get("row")) for row in rows}


def read_questions(path: Path) -> list[Question]:
    """Read the questions in the order of the file; raises UserError for unusable rows and repeated ids."""
    questions = [question_of(row, place) for row, place in files.placed_rows(path)]
    require_distinct((question.id for question in questions), path)
    return questions


def read_asked(split: Path) -> list[Question]:
    """Read the questions of a split's folder that a student may learn from: labeled, unlabeled, foreign if present."""
    parts = [part for part in TRAINING_PARTS if part != "foreign" or (split / f"{part}.jsonl").is_file()]
    return [question for part in parts for question in read_questions(split / f"{part}.jsonl")]


def question_row(question: Question) -> dict[str, str]:
    """Return the row of one question.

    >>> question_row(Question("a1", "How many?"))
    {'id': 'a1', 'text': 'How many?'}
    """
    row = {"id": question.id, "text": question.text}
    if question.kind != "number":
        row["kind"] = question.kind
    if question.source:
        row["source"] = question.source
    return row


def question_of(row: Mapping[str, Any], place: str) -> Question:
    """Read the question of one row, ignoring other columns; ``place`` names the row in messages."""
    text = text_of(row, "text", place)
    if not text.strip():
        raise UserError(
            f"{place}: the question is empty.",
            why="A model needs a text to answer.",
            do="Remove that row.",
            code="question-empty",
        )
    return Question(
        text_of(row, "id", place), text, kind=kind_of(row, place), source=optional_text(row, "source", place) or ""
    )


def write_labels(path: Path, labels: Iterable[Label]) -> int:
    """Write ``{"question_id", "answer", "solution", "origin", "agreement", "confidence"}`` a line."""
    return files.write_jsonl(path, (asdict(label) for label in labels))


def read_labels(path: Path) -> list[Label]:
    """Read the labels in the order of the file; a question may have several worked texts but one answer.

    Raises UserError for unusable rows and for two answers to one question.
    """
    labels = [label_of(row, place) for row, place in files.placed_rows(path)]
    answers: dict[str, str] = {}
    for label in labels:
        if answers.setdefault(label.question_id, label.answer) != label.answer:
            raise UserError(
                f'{path}: the question "{label.question_id}" has the answers'
                f" {answers[label.question_id]} and {label.answer}.",
                why="A question has one label.",
                do="Remove one of the two rows.",
                code="conflicting-answers",
            )
    return labels


def read_learned(inputs: Mapping[str, Sequence[Path]]) -> list[Label]:
    """Read all labels of a student: those of its ``gold`` folders (splits), then of its ``labels`` folders."""
    return [
        label
        for role, name in (("gold", "gold.jsonl"), ("labels", "labels.jsonl"))
        for folder in inputs.get(role, ())
        for label in read_labels(folder / name)
    ]


def label_of(row: Mapping[str, Any], place: str) -> Label:
    """Read the label of one row; ``place`` names the row in messages."""
    return Label(
        text_of(row, "question_id", place),
        text_of(row, "answer", place),
        optional_text(row, "solution", place),
        _one_of(ORIGINS, "origin", text_of(row, "origin", place), place),
        agreement=_share(row, "agreement", place),
        confidence=_share(row, "confidence", place),
    )


def text_of(row: Mapping[str, Any], name: str, place: str) -> str:
    """Return a column that must hold a non-empty text."""
    value = optional_text(row, name, place)
    if not value:
        raise UserError(
            f'{place}: "{name}" is {"missing" if value is None else "empty"}.',
            why="This column is required.",
            do="Correct that row.",
            code="value-missing",
        )
    return value


def optional_text(row: Mapping[str, Any], name: str, place: str) -> str | None:
    """Return a column that holds a text; None if it is absent or null."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        require_encodable(value, name, place)
        return value
    raise UserError(
        f'{place}: "{name}" is {value!r}, not text.',
        why="This column must hold text.",
        do="Correct that row.",
        code="column-not-text",
    )


def optional_number(row: Mapping[str, Any], name: str, place: str) -> float | None:
    """Return a column that holds a finite number; None if it is absent or null."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        # A cell of a table.
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(
            f'{place}: "{name}" is {value!r}, not a number.',
            why="This column must hold a number.",
            do="Correct that row.",
            code="column-not-a-number",
        )
    return float(value)


def kind_of(row: Mapping[str, Any], place: str) -> Kind:
    """Return the kind of a question's answer; a number if the row does not say."""
    return _one_of(KINDS, "kind", optional_text(row, "kind", place) or "number", place)


def finish_of(row: Mapping[str, Any], place: str) -> Finish:
    """Return how a sample ended; ``eos`` if the row does not say."""
    return _one_of(FINISHES, "finish", optional_text(row, "finish", place) or "eos", place)


def require_encodable(text: str, name: str, place: str) -> None:
    """Raise UserError for a text with a lone surrogate, which JSON escapes allow and UTF-8 does not."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f'{place}: "{name}" holds half of a surrogate pair at character {error.start + 1}.',
            why="Such a text cannot be written as UTF-8.",
            do="Correct that character.",
            code="text-not-utf8",
        ) from error


def require_distinct(ids: Iterable[str], path: Path) -> None:
    """Raise UserError for a repeated id."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise UserError(
                f'{path}: the id "{name}" is there twice.',
                why="Rows are joined by their id.",
                do="Remove one of the two rows.",
                code="id-repeated",
            )
        seen.add(name)


def _share(row: Mapping[str, Any], name: str, place: str) -> float | None:
    """Return a column that holds a number from 0 to 1, or None."""
    value = optional_number(row, name, place)
    if value is not None and not 0 <= value <= 1:
        raise UserError(
            f'{place}: "{name}" is {value!r}.',
            why="It must be null or from 0 to 1.",
            do="Correct that row.",
            code="value-out-of-range",
        )
    return value


def _one_of(known: Mapping[str, T], name: str, value: str, place: str) -> T:
    if value not in known:
        raise UserError(
            f'{place}: the {name} is "{value}".',
            why=f"It must be one of {', '.join(known)}.",
            do="Correct that row.",
            code="value-unknown",
        )
    return known[value]
