"""Where questions come from and how many: settings only.

A field that was added later and says nothing new (``answers = "number"``, no ``foreign``) is left out of the dump, so
that it changes no digest of those who do not use it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from noisy_student.data.fields import Fields
from noisy_student.data.foreign_spec import ForeignSpec
from noisy_student.errors import UserError
from noisy_student.records import Kind

PARTS = ("labeled", "unlabeled", "test")
GSM8K = {"dataset": "openai/gsm8k", "config": "main", "labeled": "train", "test": "test"}
"""Cobbe et al. 2021, as its authors publish it; MIT."""


class SourceSpec(BaseModel):
    """Where questions come from.

    ``procedural`` needs no file, ``jsonl`` takes one for each part or one for all, ``hub`` takes parquet and JSONL of
    a data set, and ``gsm8k`` is that data set by name.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    table: ClassVar[str] = "data.source"

    kind: Literal["procedural", "jsonl", "gsm8k", "hub"] = "procedural"
    steps: tuple[int, int] = (2, 4)
    """Least and most calculations of a procedural problem."""
    dataset: str | None = None
    """A hub id such as ``openai/gsm8k``, or a folder with the same files."""
    config: str | None = None
    """The folder of the data set's files, such as ``main``; left aside where there is none of that name."""
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
    """What becomes of calculator marks (``<<3*4=12>>``) in worked solutions."""
    answers: Kind = "number"
    """``math`` reads answers as LaTeX (extra ``math``)."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """TOML has lists, not pairs; GSM8K needs nothing but its name."""
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("steps"), list):
            value = {**value, "steps": tuple(value["steps"])}
        return {**value, **_missing(value)} if value.get("kind") == "gsm8k" else value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind != "procedural" and self.labeled is None:
            raise UserError(
                f'data.source.kind is "{self.kind}" but no questions with answers are named.',
                why="The questions must come from somewhere.",
                do="Give --data FILE, or set data.source.labeled.",
            )
        if self.kind == "hub" and self.dataset is None:
            raise UserError(
                'data.source.kind is "hub" but no data set is named.',
                why="Its files are those of one data set.",
                do="Set data.source.dataset to a hub id or a folder.",
            )
        if self.kind == "procedural" and self.answers != "number":
            raise UserError(
                f'data.source.answers is "{self.answers}" and data.source.kind "procedural".',
                why="The answers of generated problems are numbers.",
                do="Leave data.source.answers out.",
            )
        if not 1 <= self.steps[0] <= self.steps[1] <= 8:
            raise UserError(
                f"data.source.steps is {list(self.steps)}.",
                why="Problems are made of 1 to 8 calculations.",
                do="Give the least and the most, such as [2, 4].",
            )
        return self

    @property
    def parts(self) -> dict[str, str]:
        """What each part of the data is read from: a file of a ``jsonl`` source, a split of a data set."""
        named = {part: getattr(self, part) for part in PARTS}
        return {part: name for part, name in named.items() if name is not None and self.kind != "procedural"}

    def setting(self, part: str) -> str:
        """The setting that says what a part is read from."""
        return f"{self.table}.{part}"


class DataSpec(BaseModel):
    """How many questions each part gets; dev is a fifth of the labeled budget."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    labeled: int = 1000
    unlabeled: int = 4000
    test: int = 500
    limit: int | None = None
    """At most so many questions in all, every part shrunk alike (``--limit``)."""
    source: SourceSpec = SourceSpec()
    views: bool = False
    """Whether the split also writes another wording of each question to learn from, and looks for test questions in
    them: what a condition with ``view = "paraphrase"`` reads."""
    foreign: ForeignSpec | None = None
    """A fifth part from elsewhere: questions that votes may be cast on, and that nothing is tested on."""
    algebra: str | None = None
    """The version of what compares LaTeX answers; filled in by the program, since results depend on it."""

    @property
    def reads_latex(self) -> bool:
        """Whether any answer is read as LaTeX."""
        return "math" in (self.source.answers, self.foreign.answers if self.foreign else "number")


def _missing(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in GSM8K.items() if given.get(name) is None}
