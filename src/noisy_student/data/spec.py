"""Settings of the data: sources of questions, foreign questions and sizes of the parts."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from noisy_student.data.fields import Faulty, Fields, ForeignFields
from noisy_student.errors import UserError
from noisy_student.records import Kind
from noisy_student.strict import Strict

MOST_STEPS = 6
"""Two purchases multiplied and summed, a fee, and change: five; one more leaves room for a third purchase."""


def _check_dataset_and_steps(spec: SourceSpec | ForeignSpec, *, most: int) -> None:
    if spec.kind == "hub" and spec.dataset is None:
        raise UserError(
            f'{spec.table}.kind is "hub" and {spec.table}.dataset is not set.',
            why="The files are read from one data set.",
            do=f"Set {spec.table}.dataset to a hub id or a folder.",
            code="no-dataset",
        )
    if not 1 <= spec.steps[0] <= spec.steps[1] <= most:
        raise UserError(
            f"{spec.table}.steps is {list(spec.steps)}.",
            why=f"Problems have 1 to {most} calculations.",
            do="Give the least and the largest number, such as [2, 4].",
            code="steps-out-of-range",
        )


class ForeignSpec(Strict):
    """A pool of questions of another kind than the test; known answers go to the key only.

    ``procedural`` draws from a family that shares no structure with the lab's problems; ``jsonl`` takes a file, ``hub``
    a split of a data set, both with the columns of NuminaMath (``source``, ``problem``, ``solution``) by default.
    """

    table: ClassVar[str] = "data.foreign"

    kind: Literal["procedural", "jsonl", "hub"] = "procedural"
    count: Annotated[int, Field(ge=1)] = 1000
    """Number of questions; ``data.limit`` shrinks it with the other parts."""
    family: Literal["shop"] = "shop"
    """Family of procedural problems: prices, money and change, hourly wages."""
    steps: tuple[int, int] = (1, 3)
    """Least and largest number of calculations in a procedural problem."""
    dataset: str | None = None
    """A hub id such as ``AI-MO/NuminaMath-CoT``, or a folder with the same files."""
    config: str | None = None
    """Folder of the data set's files; ignored if there is no such folder."""
    revision: str | None = None
    """Commit, tag or branch of the data set; None is the newest."""
    questions: str | None = None
    """A JSONL or parquet file, or for ``hub`` a split such as ``train``, or a pattern of file names."""
    fields: ForeignFields = ForeignFields()
    """Names of the columns."""
    marks: Literal["removed", "kept"] = "removed"
    """Treatment of calculator marks (``<<3*4=12>>``) in worked solutions."""
    answers: Kind = "number"
    """Form of the answers; ``math`` is LaTeX (extra ``math``)."""
    exclude_sources: tuple[str, ...] = ()
    """Rows with one of these in their source column (in any case) are left out, with all that repeats them."""
    only_answered: bool = False
    """Leave out questions without a readable answer (proofs, open questions)."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind != "procedural" and self.questions is None:
            raise UserError(
                f'data.foreign.kind is "{self.kind}" and data.foreign.questions is not set.',
                why="The questions are read from it.",
                do="Set data.foreign.questions to a file, or to a split of the data set.",
                code="no-foreign-source",
            )
        if self.kind == "procedural" and (self.answers != "number" or self.exclude_sources):
            raise UserError(
                'data.foreign.kind is "procedural" and answers or exclude_sources is set.',
                why="Generated problems have numbers as answers and one source.",
                do="Leave both out.",
                code="procedural-answers-are-numbers",
            )
        _check_dataset_and_steps(self, most=MOST_STEPS)
        return self

    @property
    def parts(self) -> dict[str, str]:
        """Map the part to the file or split it is read from; empty for generated questions."""
        return {} if self.questions is None or self.kind == "procedural" else {"foreign": self.questions}

    def setting(self, part: str) -> str:
        """Return the name of the setting for the source of the part."""
        assert part == "foreign"
        return f"{self.table}.questions"


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
    faulty: Faulty = "refused"
    """Rows whose answer cannot be read, contradicts its solution, or contradicts another row; ``left-out`` counts them
    and goes on."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """GSM8K needs nothing but its name."""
        if isinstance(value, dict) and value.get("kind") == "gsm8k":
            return {**value, **{name: usual for name, usual in GSM8K.items() if value.get(name) is None}}
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind != "procedural" and self.labeled is None:
            raise UserError(
                f'data.source.kind is "{self.kind}" and data.source.labeled is not set.',
                why="The questions with answers are read from it.",
                do="Give --data FILE, or set data.source.labeled.",
                code="no-labeled-source",
            )
        if self.kind == "procedural" and self.answers != "number":
            raise UserError(
                f'data.source.answers is "{self.answers}" and data.source.kind "procedural".',
                why="Generated problems have numbers as answers.",
                do="Leave data.source.answers out.",
                code="procedural-answers-are-numbers",
            )
        _check_dataset_and_steps(self, most=8)
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
