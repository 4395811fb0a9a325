"""``vote``: majority vote per question over texts or answers in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, cast, get_args

import typer

from noisy_student.answers.extract import read
from noisy_student.answers.normalize import canonical_number
from noisy_student.cli import options, stream
from noisy_student.data.rows import finish_of, optional_text, text_of
from noisy_student.errors import UserError, nearest
from noisy_student.labeling.stopping import Ties
from noisy_student.labeling.vote import vote_row, votes
from noisy_student.records import Answer

TIES = get_args(Ties)


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
    """Read a ``question_id`` with a ``text`` or an ``answer`` per line, in any order; write one vote per question."""
    if ties not in TIES:
        raise UserError(f'There is no rule "{ties}" for --ties.', do=nearest(ties, TIES), code="unknown-ties-rule")
    stream.write(map(vote_row, votes(_answers(file), k=k, ties=cast("Ties", ties))), out)


def _answers(file: str) -> Iterator[tuple[str, str | None]]:
    for number, row in enumerate(stream.read(file), start=1):
        place = f"{file}, row {number}"
        question_id = text_of(row, "question_id", place)
        if "answer" in row and "text" not in row:
            answer = optional_text(row, "answer", place)
            yield question_id, None if answer is None else canonical_number(answer) or answer
            continue
        text = optional_text(row, "text", place) or ""
        found = read(text, finish_of(row, place))
        yield question_id, found.canonical if isinstance(found, Answer) else None
