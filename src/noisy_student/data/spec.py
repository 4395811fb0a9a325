"""Where questions come from and how many: settings only."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from noisy_student.errors import UserError


class SourceSpec(BaseModel):
    """Where questions come from; ``procedural`` needs no file, ``jsonl`` takes one for each part or one for all."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["procedural", "jsonl"] = "procedural"
    steps: tuple[int, int] = (2, 4)
    """Least and most calculations of a procedural problem."""
    labeled: str | None = None
    """A JSONL file with questions and answers."""
    unlabeled: str | None = None
    """A JSONL file of questions; without it, a share of ``labeled``."""
    test: str | None = None
    """A JSONL file with questions and answers; without it, a share of ``labeled``."""
    marks: Literal["removed", "kept"] = "removed"
    """What becomes of calculator marks (``<<3*4=12>>``) in worked solutions."""

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        """TOML has lists, not pairs."""
        if isinstance(value, dict) and isinstance(value.get("steps"), list):
            return {**value, "steps": tuple(value["steps"])}
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind == "jsonl" and self.labeled is None:
            raise UserError(
                'data.source.kind is "jsonl" but no file is named.',
                why="The questions must come from somewhere.",
                do="Give --data FILE, or set data.source.labeled.",
            )
        if not 1 <= self.steps[0] <= self.steps[1] <= 8:
            raise UserError(
                f"data.source.steps is {list(self.steps)}.",
                why="Problems are made of 1 to 8 calculations.",
                do="Give the least and the most, such as [2, 4].",
            )
        return self

    @property
    def files(self) -> dict[str, str]:
        """The files of a ``jsonl`` source by part."""
        named = {"labeled": self.labeled, "unlabeled": self.unlabeled, "test": self.test}
        return {part: path for part, path in named.items() if path is not None and self.kind == "jsonl"}


class DataSpec(BaseModel):
    """How many questions each part gets; dev is a fifth of the labeled budget."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    labeled: int = 1000
    unlabeled: int = 4000
    test: int = 500
    limit: int | None = None
    """At most so many questions in all, every part shrunk alike (``--limit``)."""
    source: SourceSpec = SourceSpec()
