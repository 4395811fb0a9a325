"""Votes in, the votes to learn from out: all, the agreed, the n most agreed, or n at random.

Questions without a winner are never selected. A selection that cannot be met is NotTrainable, so that two arms
meant to be equal in size never differ silently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, Self

from pydantic import model_validator

from noisy_student import seeds
from noisy_student.errors import NotTrainable, UserError
from noisy_student.records import Label, Vote
from noisy_student.strict import Strict


class Selection(Strict):
    """Which votes become labels; exactly one field is set. Raises UserError for values out of range."""

    all: Literal[True] | None = None
    """Every question that has a winner."""

    min_agreement: float | None = None
    """The least share of K that the winner needs, in (0, 1]; compared as whole votes."""

    count: int | None = None
    """The n most agreed; equal agreement is ordered by a seeded hash of the question id."""

    random_count: int | None = None
    """n at random, the size-matched control; a smaller draw is part of a larger one."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {name: value for name, value in self if value is not None}
        if len(given) != 1:
            raise UserError(
                f"select has {len(given)} rules: {', '.join(given) or 'none'}.",
                why="A selection is one rule, so that its effect has one cause.",
                do="Set exactly one of all, min_agreement, count, random_count.",
            )
        if self.min_agreement is not None and not 0 < self.min_agreement <= 1:
            raise UserError(
                f"select.min_agreement is {self.min_agreement}.",
                why="It is a share of the K samples.",
                do="Give a fraction above 0 and up to 1, such as 0.75.",
            )
        for name in ("count", "random_count"):
            if (number := given.get(name)) is not None and number < 1:
                raise UserError(
                    f"select.{name} is {number}.",
                    why="It is a number of questions.",
                    do="Give a whole number from 1 up.",
                )
        return self


def votes_needed(min_agreement: float, k: int) -> int:
    """The whole number of votes out of ``k`` that reaches ``min_agreement``; 1e-9 forgives binary fractions.

    >>> votes_needed(0.75, 8), votes_needed(0.8, 8), votes_needed(0.07, 100)
    (6, 7, 7)
    """
    return max(1, math.ceil(min_agreement * k - 1e-9))


def select(votes: Iterable[Vote], selection: Selection, *, run_seed: int) -> tuple[Vote, ...]:
    """The selected votes, sorted by question id.

    Raises NotTrainable where no question has a winner, none reaches the agreement, or fewer than n have a winner.
    """
    decided = [vote for vote in votes if vote.winner is not None]
    if not decided:
        raise NotTrainable(
            "No question has a winning answer.",
            why="Without votes there is nothing to learn from.",
            do="Sample more often (K), look at the samples, or start from a stronger teacher.",
        )
    if selection.min_agreement is not None:
        chosen = _agreed(decided, selection.min_agreement)
    elif selection.count is not None:
        _require_full([vote for vote in decided if vote.agreement is None], "count")
        decided.sort(
            key=lambda vote: (-Fraction(vote.votes, vote.k), seeds.seed(run_seed, "select-ties", vote.question_id))
        )
        chosen = _first(decided, selection.count, "count")
    elif selection.random_count is not None:
        decided.sort(key=lambda vote: seeds.seed(run_seed, "select-random", vote.question_id))
        chosen = _first(decided, selection.random_count, "random_count")
    else:
        chosen = decided
    return tuple(sorted(chosen, key=lambda vote: vote.question_id))


def random_labels(labels: Iterable[Label], count: int, *, run_seed: int) -> list[Label]:
    """The labels of ``count`` questions at random, sorted by question id: the size-matched control with true labels.

    Drawn as ``random_count`` draws, so that both controls have the same questions wherever both can. Raises
    NotTrainable where fewer questions have a label.
    """
    labels = list(labels)
    names = sorted({label.question_id for label in labels})
    if count > len(names):
        raise NotTrainable(
            f"{count} true labels are asked for, and {len(names)} questions can have one.",
            why="Fewer than the other condition has would change what the comparison means.",
            do="Select less in the other condition, or leave this control out.",
        )
    names.sort(key=lambda name: seeds.seed(run_seed, "select-random", name))
    chosen = set(names[:count])
    return sorted((label for label in labels if label.question_id in chosen), key=lambda label: label.question_id)


def _agreed(decided: list[Vote], min_agreement: float) -> list[Vote]:
    chosen = [vote for vote in decided if vote.votes >= votes_needed(min_agreement, vote.k)]
    below = [vote for vote in decided if vote.agreement is None and vote.votes < votes_needed(min_agreement, vote.k)]
    _require_full(below, "min_agreement")
    if not chosen:
        best = max(decided, key=lambda vote: Fraction(vote.votes, vote.k))
        raise NotTrainable(
            f"No question reaches an agreement of {min_agreement}; the highest is {best.votes} of {best.k} votes.",
            why="Without labels there is nothing to learn from.",
            do=f"Set select.min_agreement to {best.votes / best.k:g} or less, or sample from a stronger teacher.",
        )
    return chosen


def _require_full(stopped: list[Vote], name: str) -> None:
    """Raise UserError where votes that were stopped early would be put in order by an agreement that they have not."""
    if stopped:
        vote = stopped[0]
        raise UserError(
            f"select.{name} asks for the agreement of {len(stopped)} questions whose sampling was stopped early"
            f" ({vote.question_id}: {vote.votes} of {vote.drawn} votes, {vote.k} at most).",
            why="Stopping when one answer leads inflates its share: it is no agreement over K samples.",
            do="Select all, sample with stopping = fixed, or lossless at this very min_agreement.",
        )


def _first(ordered: list[Vote], n: int, name: str) -> list[Vote]:
    if n > len(ordered):
        raise NotTrainable(
            f"select.{name} asks for {n} questions; {len(ordered)} have a winner.",
            why="Fewer than asked for would change what the comparison means.",
            do=f"Set select.{name} to {len(ordered)} or less, or sample more questions.",
        )
    return ordered[:n]
