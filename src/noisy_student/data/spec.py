"""Settings of the data: sources of questions and sizes of the parts."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from noisy_student.data.fields import Fields
from noisy_student.data.foreign_spec import ForeignSpec
from noisy_student.errors import UserError
from noisy_student.records import Kind
from noisy_student.strict import Strict

PARTS = ("labeled", "unlabeled", "test")
GSM8K = {"dataset": "openai/gsm8k", "config": "main", "labeled": "train", "test": "test"}
"""GSM8K (Cobbe et al. 2021, MIT) as published by its authors."""


class SourceSpec(Strict):
    """Source of the questions.

    ``procedural`` generates them; ``jsonl`` reads a file for each part or one for all; ``hub`` reads parquet and JSONL
    files of a data set; ``gsm8k`` is that data set by name.
    """

    table: ClassVar[str] = "data.source"

    kind: Literal["procedural", "jsonl", "gsm8k", "hub"] = "procedural"
    steps: tuple[int, int] = (2, 4)
    """Least and largest number of calculations in a procedural problem."""
    dataset: str | None = None
    """A hub id such as ``openai/gsm8k``, or a folder with the same files."""
    config: str | None = None
    """Folder of the data set's files, such as ``main``; ignored if there is no such folder."""
    revision: str | None = None
    """Commit, tag or branch of the data set; None is the newest."""
    labeled: str | None = None
    """Questions and answers: a JSONL file, or for ``hub`` a split such as ``train``, or a pattern of file names."""
    unlabeled: str | None = None
    """Questions; without it, a share of ``labeled``."""
    test: str | None = None
    """Questions and answers; without it, a share of ``labeled``."""
    fields: Fields = Fields()
    """The names of the columns."""
    marks: Literal["removed", "kept"] = "removed"
    """Treatment of calculator marks (``<<3*4=12>>``) in worked solutions."""
    answers: Kind = "number"
    """``math`` reads answers as LaTeX (extra ``math``)."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """GSM8K needs nothing but its name."""
        return {**value, **_missing(value)} if isinstance(value, dict) and value.get("kind") == "gsm8k" else value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind != "procedural" and self.labeled is None:
            raise UserError(
                f'data.source.kind is "{self.kind}" and data.source.labeled is not set.',
                why="The questions with answers are read from it.",
                do="Give --data FILE, or set data.source.labeled.",
                code="no-labeled-source",
            )
        if self.kind == "hub" and self.dataset is None:
            raise UserError(
                'data.source.kind is "hub" and data.source.dataset is not set.',
                why="The files are read from one data set.",
                do="Set data.source.dataset to a hub id or a folder.",
                code="no-dataset",
            )
        if self.kind == "procedural" and self.answers != "number":
            raise UserError(
                f'data.source.answers is "{self.answers}" and data.source.kind "procedural".',
                why="Generated problems have numbers as answers.",
                do="Leave data.source.answers out.",
                code="procedural-answers-are-numbers",
            )
        if not 1 <= self.steps[0] <= self.steps[1] <= 8:
            raise UserError(
                f"data.source.steps is {list(self.steps)}.",
                why="Problems have 1 to 8 calculations.",
                do="Give the least and the largest number, such as [2, 4].",
                code="steps-out-of-range",
            )
        return self

    @property
    def parts(self) -> dict[str, str]:
        """Map each part of the data to the file or split it is read from."""
        named = {part: getattr(self, part) for part in PARTS}
        return {part: name for part, name in named.items() if name is not None and self.kind != "procedural"}

    def setting(self, part: str) -> str:
        """Return the name of the setting for the source of a part."""
        return f"{self.table}.{part}"


class DataSpec(Strict):
    """Number of questions in each part; dev is a fifth of the labeled budget."""

    labeled: int = 1000
    unlabeled: int = 4000
    test: int = 500
    limit: int | None = None
    """Largest number of questions in all; every part shrinks in proportion (``--limit``)."""
    source: SourceSpec = SourceSpec()
    views: bool = False
    """Write another wording of each training question, for conditions with ``view = "paraphrase"``, and check it for
    overlap with test too."""
    foreign: ForeignSpec | None = None
    """A fifth part from another source: questions to vote on, never to test on."""
    algebra: str | None = None
    """Version of the library that compares LaTeX answers; filled in by the program, since results depend on it."""

    @property
    def reads_latex(self) -> bool:
        """True if any answer is read as LaTeX."""
        return "math" in (self.source.answers, self.foreign.answers if self.foreign else "number")


def _missing(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in GSM8K.items() if given.get(name) is None}
