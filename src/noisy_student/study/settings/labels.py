"""Sets of pseudo-labels: teacher, votes and stopping rule, and the selections that each set allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from noisy_student.errors import UserError
from noisy_student.labeling.stopping import Stopping
from noisy_student.labeling.texts import Choice
from noisy_student.strict import Name, Strict


class LabelSettings(Strict):
    """One set of pseudo-labels; fields left out are those of the run."""

    teacher: Name | None = None
    """The condition whose model samples; None is the run's ``teacher``."""
    part: Literal["unlabeled", "foreign"] = "unlabeled"
    """The questions that are asked: ``foreign`` ones come from ``data.foreign``."""
    rule: Literal["vote", "random-sample"] = "vote"
    """``random-sample`` takes one own sample per question and no vote."""
    K: Annotated[int, Field(ge=1, le=256)] = 8
    text: Choice = "first"
    """The sample that becomes the solution, among those that reach the winner."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of the unlabeled questions that is voted on: half of them with twice the K cost the same."""
    stopping: Stopping = "fixed"
    """The rule that ends a question's sampling (``labeling/stopping.py``); every rule but ``fixed`` saves samples."""
    min_agreement: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of K at which ``lossless`` selects; conditions that learn from these votes select at it too."""
    look_every: Annotated[int, Field(ge=1)] = 1
    """Samples between two checks of the stopping rule."""
    shots: Annotated[int, Field(ge=0, le=64)] = 0
    """Gold questions with their worked solutions that the teacher reads before each question; students read none."""
    samples: str | None = None
    """A file of samples to vote on (as ``noisy-student sample`` writes them) in place of drawing any."""

    @property
    def stops_early(self) -> bool:
        """True if a rule may end a question's sampling: other choices of text than the first need all K samples."""
        return self.stopping == "beta" or (self.stopping == "lossless" and self.text == "first")

    @property
    def default_select(self) -> Mapping[str, Any]:
        """The widest selection that these votes allow."""
        return {"min_agreement": self.min_agreement} if self.stopping == "lossless" else {"all": True}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.stopping == "lossless") != (self.min_agreement is not None):
            raise UserError(
                f"stopping is {self.stopping} and min_agreement is {self.min_agreement}.",
                why="Only lossless stopping has a threshold, and it needs one.",
                do='Write stopping = "lossless" and min_agreement = 0.75, or neither.',
                code="stopping-threshold",
            )
        if self.shots and self.samples is not None:
            raise UserError(
                f"These labels read their samples from {self.samples} and have shots = {self.shots}.",
                why="Nothing is sampled, so no teacher would read the examples.",
                do="Leave shots or samples out.",
                code="field-without-effect",
            )
        if self.rule == "random-sample" and (self.stopping != "fixed" or self.share != 1):
            raise UserError(
                f"Labels with rule = random-sample have stopping = {self.stopping} and share = {self.share:g}.",
                why="A random sample takes no vote, so there is no sampling to stop and no votes to save.",
                do="Leave stopping and share out.",
                code="field-without-effect",
            )
        return self


def check_stopping(where: str, select: Mapping[str, Any], label: str, votes: LabelSettings) -> None:
    """Raise UserError for a selection that the votes of ``label`` do not allow; ``where`` names the condition."""
    if votes.rule == "random-sample" and dict(select) != {"all": True}:
        raise UserError(
            f"{where} selects {dict(select)} from labels.{label}, whose rule is random-sample.",
            why="Random samples have no agreement to select by.",
            do="Select { all = true }.",
            code="selection-without-votes",
        )
    if votes.stopping != "fixed" and dict(select) != dict(votes.default_select):
        allowed = ", ".join(f"{rule} = {value}".lower() for rule, value in votes.default_select.items())
        raise UserError(
            f"{where} selects {dict(select)} from labels.{label}, which has stopping = {votes.stopping}.",
            why="Stopping early inflates agreement, or leaves the winner unknown below its threshold.",
            do=f"Select {{ {allowed} }}, or set labels.{label}.stopping = fixed.",
            code="selection-of-stopped-votes",
        )


def check_agreement(where: str, label: str, votes: LabelSettings) -> None:
    """Raise UserError where labels without an agreement would be weighed by it; ``where`` names the condition."""
    if votes.rule != "vote" or votes.stops_early:
        raise UserError(
            f"{where} weighs labels.{label} by agreement, which these labels do not have.",
            why="A random sample has no agreement, and early stopping leaves it unknown.",
            do="Set weigh_agreement = false, or learn from votes with stopping = fixed.",
            code="agreement-unknown",
        )
