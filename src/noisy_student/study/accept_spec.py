"""When a student may teach the next round: settings only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from noisy_student.study.frozen import Frozen, Name


class AcceptSettings(Frozen):
    """The student of one round is held against the one before, on dev (``evaluation/review.py``)."""

    against: Name
    """The condition before it."""
    rounds: Annotated[int, Field(ge=1)] = 1
    """Over how many rounds the error is charged."""
    error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of runs in which a student that is no worse may be turned down for being worse."""
    K: Annotated[int, Field(ge=2, le=256)] = 8
    """Samples of its vote on dev, for the alarms."""
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The selection whose coverage and precision are watched."""
