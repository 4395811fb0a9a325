"""Reads the rows of a file or data set as items: question, answer and worked solution.

Columns have their usual names unless ``Fields`` names them (``columns``). Context such as SVAMP's ``Body`` is joined
before the question, options of multiple choice after it (``choices``). An answer is read whole or not at all
(``gold``). Missing, unreadable and contradicting answers are collected, so that one message lists them all.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from noisy_student.answers.math_pool import require_extra
from noisy_student.data import choices, columns, gold, source
from noisy_student.data.columns import Columns, SourceRow
from noisy_student.data.formats import source_rows
from noisy_student.data.rows import question_empty, require_encodable
from noisy_student.data.source import Item
from noisy_student.errors import UserError
from noisy_student.records import Kind
from noisy_student.strict import Strict

Need = Literal["required", "optional", "any"]
"""Need of an answer in each row: only the unlabeled source may lack them. ``any`` treats unreadable answers as unknown,
for large pools that nobody will correct."""
Faulty = Literal["refused", "left-out"]
"""Treatment of rows whose answer cannot be read or contradicts their solution, or another row of the question."""

SHOWN = 5
"""Rows that a message lists."""
LATEX_SHARE = 0.5
"""Share of unreadable answers that must be LaTeX for a message to name it."""


class Fields(Strict):
    """Names of the columns; None is the first usual name that a file has, in any case. A dot names a column inside an
    object: ``reward_model.ground_truth``."""

    question: str | None = None
    """Column of the question's text, or of chat turns; usual names: question, text, problem, prompt."""
    answer: str | None = None
    """Column of the answer: a number, or a worked solution that ends in ``#### N``."""
    solution: str | None = None
    """Column of the worked solution."""
    id: str | None = None
    """Column of the file's own ids, which must be unique; outputs carry them."""
    paraphrase: str | None = None
    """Column of another wording of the same question, or null."""
    context: str | None = None
    """Column that stands before the question (several: ``a+b``); ``none`` joins none. Usual names: body, passage."""
    choices: str | None = None
    """Column of the options (several: ``A+B+C``); ``none`` reads none. Usual names: choices, options, A to H."""


class ForeignFields(Fields):
    """Columns of a pool gathered from several sources."""

    source: str | None = None
    """Column that names a row's origin; usual name: source."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is not used: the reason, its place, and what it holds."""

    reason: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Items of a file in its order, the columns they were read from, and the rows left out.

    ``numbered`` counts the questions that are answered by an option's number, ``valued`` those by an option's value.
    """

    items: list[Item]
    columns: Columns
    left_out: list[LeftOut]
    rows: int
    numbered: int = 0
    valued: int = 0


class Unreadable(UserError):
    """Answers that cannot be read; ``latex`` counts those that are written in LaTeX and can be read as it."""

    latex = 0
    example = ""


@dataclass(slots=True)
class _Faults:
    """Rows without a usable answer, by reason."""

    unreadable: list[LeftOut] = field(default_factory=list)
    contradicting: list[LeftOut] = field(default_factory=list)
    unanswered: list[LeftOut] = field(default_factory=list)
    latex: int = 0
    choices: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings by which rows are read; ``label`` becomes the questions' ``source`` unless a column names it."""

    fields: Fields
    answers: Need
    kind: Kind = "number"
    label: str = ""
    faulty: Faulty = "refused"


def read_file(
    path: Path, *, answers: Need, fields: Fields | None = None, label: str = "", kind: Kind = "number"
) -> list[Item]:
    """Read every row of a file as an item, in the order of the file; see ``read_rows``."""
    return read_path(path, Rules(fields or Fields(), answers, kind=kind, label=label)).items


def read_path(path: Path, rules: Rules) -> Reading:
    """Read a file, in any format of ``formats``; see ``read_rows``."""
    return read_rows(source_rows(path), str(path), rules)


def read_rows(rows: Iterable[SourceRow], name: str, rules: Rules) -> Reading:
    """Read every row as an item, in the order of the rows; ``name`` is the file or data set in messages.

    Raises UserError for a missing column, an empty or repeated id, an empty question, and for missing, unreadable and
    contradicting answers as ``rules`` requires.
    """
    if rules.kind == "math":
        require_extra()
    every = iter(rows)
    head = list(itertools.islice(every, columns.PEEK))
    if not head:
        raise UserError(
            f"{name} has no questions.", why="A split needs questions.", do="Check the path.", code="no-questions"
        )
    reader = _Reader(head, rules)
    items = [item for row in itertools.chain(head, every) if (item := reader.item(row)) is not None]
    faults = reader.faults
    if rules.faulty == "refused":
        _refuse(name, rules.kind, faults)
    if faults.unanswered and rules.answers == "required":
        _refuse_unanswered(name, faults.unanswered)
    if not items:
        # Nothing is left to be used, so the faults are the message.
        _refuse(name, rules.kind, faults)
    left = [*faults.unreadable, *faults.contradicting]
    return Reading(items, reader.columns, left, reader.rows, reader.asked[True], reader.asked[False])


class _Reader:
    """Reads the rows of one file by the columns of its first rows, and collects their faults."""

    def __init__(self, head: list[SourceRow], rules: Rules) -> None:
        self._rules = rules
        given = rules.fields.model_dump()
        self.columns = columns.choose(head, given, reads=lambda text: gold.read_answer(text, rules.kind))
        self._first = choices.first_index(head, self.columns.choices, self.columns.answer)
        self._ids: dict[str, str] = {}
        self.rows = 0
        self.faults = _Faults()
        self.asked: Counter[bool] = Counter()

    def item(self, row: SourceRow) -> Item | None:
        """Return the item of a row; None if its answer is at fault, or missing where it is required."""
        self.rows += 1
        own = self._own_id(row)
        text = self._question(row)
        if self._rules.answers == "required":
            _check_columns(row, self._rules.fields)
        written = columns.text_in(row, columns.answer_column(row, self.columns), "answer")
        solution = columns.text_in(row, self.columns.solution, "solution")
        options = choices.options_of(row, self.columns.choices)
        if len(options) > 1:
            asked = choices.asked(text, options, written, first=self._first, reads=gold.whole_number)
            self.asked[asked.numbered] += 1
            text, answer = asked.text, asked.answer
            require_encodable(text, "choices", row.place)
            solution = None if asked.numbered else solution
            faulty = written is not None and answer is None
            self.faults.choices += faulty
        else:
            answer, solution, faulty = self._truth(written, solution)
        if faulty and self._rules.answers != "any":
            held = written or solution or ""
            self.faults.unreadable.append(LeftOut("an answer that cannot be read", row.place, held))
            self.faults.latex += self._rules.kind == "number" and gold.is_written_in_latex(held)
            return None
        if answer is not None and self._contradicts(row, written, answer, solution):
            return None
        if answer is None and self._rules.answers == "required":
            self.faults.unanswered.append(LeftOut("no answer", row.place, text))
            return None
        return self._made(row, text, answer, solution, own)

    def _made(self, row: SourceRow, text: str, answer: str | None, solution: str | None, own: str | None) -> Item:
        pooled = isinstance(self._rules.fields, ForeignFields)
        origin = columns.text_in(row, self.columns.source, "source") if pooled else None
        asked = source.question(text, source=origin or self._rules.label, kind=self._rules.kind)
        told = columns.text_in(row, self.columns.paraphrase, "paraphrase")
        view = None if told is None else source.question(told)
        other = view.text if view is not None and view.id != asked.id else None
        return Item(asked, answer, solution, place=row.place, paraphrase=other, own_id=own, row=self.rows - 1)

    def _truth(self, written: str | None, solution: str | None) -> tuple[str | None, str | None, bool]:
        """Return the answer and the solution, and whether the answer is written but cannot be read.

        Without an answer, it is the marked one of the solution; a file without a column of answers must mark them all.
        """
        kind = self._rules.kind
        if written is None:
            if solution is None:
                return None, None, False
            marked = gold.marked_answer(solution, kind)
            return marked, solution, marked is None and self.columns.answer is None
        answer = gold.read_answer(written, kind)
        if answer is not None and solution is None and gold.holds_solution(written):
            solution = written
        return answer, solution, answer is None

    def _contradicts(self, row: SourceRow, written: str | None, answer: str, solution: str | None) -> bool:
        """Record a solution whose marked answer is not the row's; pools that nobody will correct are not checked."""
        if solution is None or written is None or solution == written or self._rules.answers == "any":
            return False
        marked = gold.marked_answer(solution, self._rules.kind)
        if marked is None or not gold.contradict(answer, marked):
            return False
        held = f"{answer} beside {marked}"
        self.faults.contradicting.append(LeftOut("a solution that contradicts its answer", row.place, held))
        return True

    def _question(self, row: SourceRow) -> str:
        if not columns.has_column(row.values, self.columns.question):
            raise columns.column_missing(row, "question", self._rules.fields.question)
        text = columns.text_in(row, self.columns.question, "question")
        if text is None:
            raise question_empty(row.place)
        texts = {name: columns.text_in(row, name, "context") for name in self.columns.context}
        after = [told for name, told in texts.items() if columns.plain(name) == columns.INSTRUCTED]
        before = [told for name, told in texts.items() if columns.plain(name) != columns.INSTRUCTED]
        return source.joined([part for part in (*before, text, *after) if part is not None])

    def _own_id(self, row: SourceRow) -> str | None:
        """Return the row's own id; raises UserError for an empty or repeated one, which would join wrong rows later."""
        value = None if self.columns.id is None else columns.value_at(row.values, self.columns.id)
        if value is None:
            return None
        name = str(value)
        if not name.strip():
            raise UserError(
                f"{row.place}: the id is empty.",
                why="Ids identify questions.",
                do="Add an id, or drop the id column.",
                code="id-empty",
            )
        if self._ids.setdefault(name, row.place) != row.place:
            raise UserError(
                f'{row.place}: the id "{name}" is also at {self._ids[name]}.',
                why="Ids identify questions.",
                do="Change one of the two ids, or name another column: --id COLUMN, or fields.id in a study file.",
                code="id-repeated",
            )
        require_encodable(name, "id", row.place)
        return name


def _refuse(name: str, kind: Kind, faults: _Faults) -> None:
    if faults.unreadable:
        word, words = {"number": ("a number", "numbers"), "math": ("LaTeX", "LaTeX")}[kind]
        told = [_told(row) for row in faults.unreadable]
        latex = faults.latex if faults.latex >= LATEX_SHARE * len(told) else 0
        remedies = [
            'read them as LaTeX: init --answers math, or in a study file answers = "math"' if latex else "",
            "give the right option as its letter, its text or its place" if faults.choices else "correct those lines",
            "write null for an unknown answer",
            'leave those rows out: init --faulty left-out, or faulty = "left-out"',
        ]
        error = Unreadable(
            f"{name}: {len(told)} answers cannot be read as {word}: {_listed(told)}.",
            why=f"Answers are compared as {words}, each read whole, so no sample could match these labels.",
            do=f"Do one of these: {'; '.join(filter(None, remedies))}.",
            code="answers-unreadable",
        )
        error.latex, error.example = latex, told[0]
        raise error
    if faults.contradicting:
        told = [f"{row.place} {row.text}" for row in faults.contradicting]
        raise UserError(
            f"{name}: {len(told)} answers contradict the end of their worked solution: {_listed(told)}.",
            why="Students learn the solution and are graded by the answer.",
            do='Correct one of the two; or leave those rows out: init --faulty left-out, or faulty = "left-out".',
            code="solution-contradicts-answer",
        )


def _refuse_unanswered(name: str, rows: list[LeftOut]) -> None:
    raise UserError(
        f"{name}: {len(rows)} questions have no answer: {_listed([row.place for row in rows])}.",
        why="Only questions to be labeled may have no answer.",
        do="Add the answers, remove these rows, or name their column: --answer COLUMN, or in a study file"
        ' fields = { answer = "COLUMN" }.',
        code="answers-missing",
    )


def _check_columns(row: SourceRow, fields: Fields) -> None:
    """Raise UserError if a named column is missing: a typo would silently drop every solution."""
    # Test files have no other wordings.
    for role in ("answer", "solution", "id", "source"):
        given: str | None = getattr(fields, role, None)
        if given is not None and not columns.has_column(row.values, given):
            raise columns.column_missing(row, role, given)


def _told(row: LeftOut) -> str:
    """Return a row's place with its answer, and the number that a less strict reader would take."""
    taken = gold.other_reading(row.text)
    return f'{row.place} "{_tail(row.text)}"' + ("" if taken is None else f" (a loose reader takes {taken})")


def _listed(places: list[str]) -> str:
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more


def _tail(text: str) -> str:
    # The answer should be at the end.
    flat = source.plain_text(text)
    return flat if len(flat) <= 40 else "…" + flat[-39:]
