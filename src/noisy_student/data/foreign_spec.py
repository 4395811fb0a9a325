"""Where foreign questions come from, how many, and which are left out: settings only."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from noisy_student.data.fields import ForeignFields
from noisy_student.errors import UserError
from noisy_student.records import Kind
from noisy_student.strict import Strict


class ForeignSpec(Strict):
    """A pool of questions of another kind than those that are tested; its answers, if known, go to the key only.

    ``procedural`` draws from a family that shares no structure with the lab's problems; ``jsonl`` takes a file, ``hub``
    a split of a data set, both with the columns of NuminaMath (``source``, ``problem``, ``solution``) by default.
    """

    table: ClassVar[str] = "data.foreign"

    kind: Literal["procedural", "jsonl", "hub"] = "procedural"
    count: Annotated[int, Field(ge=1)] = 1000
    """How many questions; ``data.limit`` shrinks it with the other parts."""
    family: Literal["shop"] = "shop"
    """Which procedural problems: prices, money and change, wages by the hour."""
    steps: tuple[int, int] = (1, 3)
    """Least and most calculations of a procedural problem."""
    dataset: str | None = None
    """A hub id such as ``AI-MO/NuminaMath-CoT``, or a folder with the same files."""
    config: str | None = None
    """The folder of the data set's files; left aside where there is none of that name."""
    revision: str | None = None
    """Commit, tag or branch of the data set; None is the newest."""
    questions: str | None = None
    """A JSONL or parquet file, or for ``hub`` a split such as ``train``, or a pattern of file names."""
    fields: ForeignFields = ForeignFields()
    """The names of the columns."""
    marks: Literal["removed", "kept"] = "removed"
    """What becomes of calculator marks (``<<3*4=12>>``) in worked solutions."""
    answers: Kind = "number"
    """What answers are read as; ``math`` is LaTeX (extra ``math``)."""
    exclude_sources: tuple[str, ...] = ()
    """Rows with one of these words in their source column are left out, whatever the case, and so is what repeats
    them: ``["gsm8k"]``."""
    only_answered: bool = False
    """Leave out questions whose answer the pool does not state in the form of ``answers`` (proofs, open questions)."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """TOML has lists, not tuples."""
        if not isinstance(value, dict):
            return value
        lists = {name: tuple(value[name]) for name in ("steps", "exclude_sources") if isinstance(value.get(name), list)}
        return {**value, **lists}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind != "procedural" and self.questions is None:
            raise UserError(
                f'data.foreign.kind is "{self.kind}" but no questions are named.',
                why="The questions must come from somewhere.",
                do="Set data.foreign.questions to a file, or to a split of the data set.",
            )
        if self.kind == "hub" and self.dataset is None:
            raise UserError(
                'data.foreign.kind is "hub" but no data set is named.',
                why="Its files are those of one data set.",
                do="Set data.foreign.dataset to a hub id or a folder.",
            )
        if self.kind == "procedural" and (self.answers != "number" or self.exclude_sources):
            raise UserError(
                'data.foreign.kind is "procedural", with answers or exclude_sources of a file.',
                why="Generated problems have numbers for answers and one source.",
                do="Leave both out.",
            )
        if not 1 <= self.steps[0] <= self.steps[1] <= MOST_STEPS:
            raise UserError(
                f"data.foreign.steps is {list(self.steps)}.",
                why=f"Problems of a shop are made of 1 to {MOST_STEPS} calculations.",
                do="Give the least and the most, such as [1, 3].",
            )
        return self

    @property
    def parts(self) -> dict[str, str]:
        """What the part is read from: a file of a ``jsonl`` source, a split of a data set; none where it is drawn."""
        return {} if self.questions is None or self.kind == "procedural" else {"foreign": self.questions}

    def setting(self, part: str) -> str:
        """The setting that says what the part is read from."""
        assert part == "foreign"
        return f"{self.table}.questions"


MOST_STEPS = 6
"""Two purchases multiplied and summed, a fee, and change: five; one more leaves room for a third purchase."""
