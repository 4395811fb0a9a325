"""Comparisons and predictions that a study declares before the run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from noisy_student.errors import UserError
from noisy_student.strict import Name, Strict


class PairSettings(Strict):
    """Two conditions, the first minus the second."""

    a: Name
    b: Name


class ContrastSettings(PairSettings):
    """A comparison declared before the run: a − b, and the difference that would matter."""

    beyond: PairSettings | None = None
    """Another pair, whose difference is taken away from that of a and b."""
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    expected: Literal["helps", "hurts", "no-difference"] | None = None
    """The expected verdict; "no-difference" is a test of equivalence. None leaves the question open."""
    source: str = ""
    """The person who expects it, and their words."""

    @property
    def sides(self) -> tuple[Name, ...]:
        """All conditions that are compared."""
        return (self.a, self.b) if self.beyond is None else (self.a, self.b, self.beyond.a, self.beyond.b)


class PredictionSettings(Strict):
    """A prediction about a condition's pseudo-labels before the run: a share above or below a bound."""

    condition: Name
    measure: Literal["coverage", "precision"]
    """Selected questions by questions voted on, or right labels by selected ones."""
    above: Annotated[float, Field(ge=0, lt=1)] | None = None
    below: Annotated[float, Field(gt=0, le=1)] | None = None
    source: str = ""
    """The person who expected it, and their words."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            what = f"A prediction of {self.measure} has above = {self.above} and below = {self.below}."
            raise UserError(what, why="A prediction has one bound.", do="Set one of them.", code="prediction-bounds")
        return self
