"""``extract`` and ``vote``: the answer in each text, and the majority vote per question.

A ready-made ``answer`` is read as strictly as a text: a number with its unit counts as that number, what begins like a
number and is none abstains as placeholders do, and other short texts (``blue``) are votes for themselves.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Any, cast, get_args

import typer

from noisy_student.answers import extract as extraction
from noisy_student.answers.latex import MAX_LATEX, canonical_latex, is_latex
from noisy_student.answers.normalize import canonical_number
from noisy_student.answers.placeholders import is_placeholder
from noisy_student.answers.thoughts import without_format
from noisy_student.cli import options, stream
from noisy_student.data.columns import SourceRow, text_in
from noisy_student.data.rows import finish_of, optional_text, text_of
from noisy_student.errors import require_known
from noisy_student.labeling.stopping import Ties
from noisy_student.labeling.vote import vote_row, votes
from noisy_student.records import Answer

_LIKE_A_NUMBER = re.compile(r"[^A-Za-z]*\d")
"""The start of an answer that is meant as a number or several, such as ``12:30`` and ``5 or 6``."""


def extract(file: options.File = stream.STANDARD, out: options.Out = stream.STANDARD) -> None:
    """Read a ``text`` per line and add ``answer``, ``method`` and ``strict``; other keys pass through."""
    stream.write(map(_extracted, stream.read(file)), out)


def command(
    file: options.File = stream.STANDARD,
    k: Annotated[
        int | None, typer.Option("--k", min=1, metavar="K", help="Samples per question; missing ones abstain.")
    ] = None,
    ties: Annotated[
        str, typer.Option("--ties", metavar="RULE", help="none (a tie has no winner) or first-seen.")
    ] = "none",
    out: options.Out = stream.STANDARD,
) -> None:
    """Read a ``question_id`` with a ``text`` or an ``answer`` per line, in any order; write one vote per question.

    Votes are sorted by question; where rows have an ``id``, votes keep it and come in the order of the file.
    """
    require_known(ties, get_args(Ties), f'There is no rule "{ties}" for --ties.', code="unknown-ties-rule")
    own: dict[str, dict[str, Any]] = {}
    counted = votes(_answers(file, own), k=k, ties=cast("Ties", ties))
    first = next(counted, None)
    counted = itertools.chain([] if first is None else [first], counted)
    if any(own.values()):
        places = {name: place for place, name in enumerate(own)}
        counted = iter(sorted(counted, key=lambda vote: places[vote.question_id]))
    stream.write(({**own[vote.question_id], **vote_row(vote)} for vote in counted), out)


def _extracted(read: SourceRow) -> dict[str, Any]:
    row, place = stream.require_writable(read), read.place
    found = extraction.extract(text_of(row, "text", place)) if row.get("text") != "" else None
    if not isinstance(found, Answer):
        return {**row, "answer": None, "method": None, "strict": False}
    return {**row, "answer": found.canonical, "method": found.method, "strict": found.strict}


def _answers(file: str, own: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Yield question id and answer of each row; ``own`` receives the ``id`` of each question."""
    for read in stream.read(file):
        row, place = read.values, read.place
        question_id = text_of(row, "question_id", place)
        given = {"id": row["id"]} if row.get("id") is not None else {}
        if own.setdefault(question_id, given) != given:
            # The ids are those of samples.
            own[question_id] = {}
        if "answer" in row and "text" not in row:
            yield question_id, _ready_made(text_in(read, "answer", "answer") or "")
            continue
        text = optional_text(row, "text", place) if "text" in row else text_of(row, "text", place)
        found = extraction.read(text or "", finish_of(row, place))
        yield question_id, found.canonical if isinstance(found, Answer) else None


def _ready_made(answer: str) -> str | None:
    """Return the canonical form of a ready-made answer, None where it abstains.

    >>> [_ready_made(answer) for answer in ("$1,000", "42 apples", "blue", "(B)", "1" * 200, "12:30", "inf")]
    ['1000', '42', 'blue', 'B', None, None, None]
    """
    answer = without_format(answer).strip()
    number = None if is_latex(answer) else canonical_number(answer)
    if number is not None or len(answer) > MAX_LATEX or is_placeholder(answer):
        return number
    form = canonical_latex(answer)
    if form is not None and (not is_latex(form) or is_latex(answer) or "\\" in answer):
        return form
    if _LIKE_A_NUMBER.match(answer):
        return None
    return form.strip("$") if form is not None and len(form) == len("$B$") else answer
