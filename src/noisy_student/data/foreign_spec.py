"""Settings of foreign questions: source, number and exclusions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from noisy_student.data.fields import ForeignFields
from noisy_student.errors import UserError
from noisy_student.records import Kind
from noisy_student.strict import Strict


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
        if self.kind == "hub" and self.dataset is None:
            raise UserError(
                'data.foreign.kind is "hub" and data.foreign.dataset is not set.',
                why="The files are read from one data set.",
                do="Set data.foreign.dataset to a hub id or a folder.",
                code="no-dataset",
            )
        if self.kind == "procedural" and (self.answers != "number" or self.exclude_sources):
            raise UserError(
                'data.foreign.kind is "procedural" and answers or exclude_sources is set.',
                why="Generated problems have numbers as answers and one source.",
                do="Leave both out.",
                code="procedural-answers-are-numbers",
            )
        if not 1 <= self.steps[0] <= self.steps[1] <= MOST_STEPS:
            raise UserError(
                f"data.foreign.steps is {list(self.steps)}.",
                why=f"Shop problems have 1 to {MOST_STEPS} calculations.",
                do="Give the least and the largest number, such as [1, 3].",
                code="steps-out-of-range",
            )
        return self

    @property
    def parts(self) -> dict[str, str]:
        """Map the part to the file or split it is read from; empty for generated questions."""
        return {} if self.questions is None or self.kind == "procedural" else {"foreign": self.questions}

    def setting(self, part: str) -> str:
        """Return the name of the setting for the source of the part."""
        assert part == "foreign"
        return f"{self.table}.questions"


MOST_STEPS = 6
"""Two purchases multiplied and summed, a fee, and change: five; one more leaves room for a third purchase."""
