"""Selection of the votes to learn from: all, the agreed, the n most agreed, or n at random.

``SELECTIONS`` holds one row a rule; another package adds its own by ``SELECTIONS.register(name, SelectionRule(...))``.
Questions without a winner are never selected. A rule that cannot be met raises NotTrainable, so that two conditions
meant to be equal in size never differ silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from noisy_student import seeds
from noisy_student.errors import NotTrainable, UserError
from noisy_student.labeling.stopping import votes_needed
from noisy_student.records import Label, Vote
from noisy_student.registry import Registry


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """One rule: which values it takes, and how it chooses among the votes that have a winner."""

    check: Callable[[Any], bool]
    """True for a value that a study may give this rule."""
    takes: str
    """The values it takes, in the words of an error message."""
    choose: Callable[[list[Vote], Any, int], Iterable[Vote]]
    """From votes with a winner, the value and the run's seed to the votes to learn from."""


SELECTIONS: Registry[SelectionRule] = Registry("selection", SelectionRule, group="noisy_student.selections")
"""Every rule that ``select = { RULE = VALUE }`` of a condition may name."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A rule with its value; built by ``selection``, which checks both."""

    rule: str
    value: Any


def selection(fields: Mapping[str, Any]) -> Selection:
    """Read ``{rule: value}``; raises UserError unless it is one known rule with a value that it takes."""
    if len(fields) != 1:
        raise UserError(
            f"select has {len(fields)} rules: {', '.join(fields) or 'none'}.",
            why="A selection is one rule, so that its effect has one cause.",
            do=f"Set exactly one of {', '.join(SELECTIONS)}.",
            code="selection-not-one-rule",
        )
    ((name, value),) = fields.items()
    row = SELECTIONS.get(name)
    if not row.check(value):
        raise UserError(
            f"select.{name} is {value!r}.",
            why=f"It takes {row.takes}.",
            do=f"Set select = {{ {name} = VALUE }} with such a value.",
            code="selection-value-invalid",
        )
    return Selection(name, value)


def select(votes: Iterable[Vote], chosen: Selection, *, run_seed: int) -> tuple[Vote, ...]:
    """Return the selected votes, sorted by question id.

    Raises NotTrainable where no question has a winner, none reaches the agreement, or fewer than n have a winner.
    """
    decided = [vote for vote in votes if vote.winner is not None]
    if not decided:
        raise NotTrainable(
            "No question has a winning answer.",
            why="Without votes there is nothing to learn from.",
            do="Raise K, inspect the samples, or use a stronger teacher.",
            code="no-winners",
        )
    kept = SELECTIONS.get(chosen.rule).choose(decided, chosen.value, run_seed)
    return tuple(sorted(kept, key=lambda vote: vote.question_id))


def random_labels(labels: Iterable[Label], count: int, *, run_seed: int) -> list[Label]:
    """Return the labels of ``count`` random questions, sorted by id: the size-matched control with true labels.

    Draws as ``random_count`` does, so both controls share questions wherever possible. Raises NotTrainable where fewer
    questions have a label.
    """
    labels = list(labels)
    names = sorted({label.question_id for label in labels})
    if count > len(names):
        raise NotTrainable(
            f"{count} true labels are needed and {len(names)} questions have one.",
            why="With fewer labels than the other condition, the comparison would also be one of size.",
            do="Select less in the other condition, or leave this control out.",
            code="too-few-labels",
        )
    names.sort(key=lambda name: seeds.seed(run_seed, "select-random", name))
    chosen = set(names[:count])
    return sorted((label for label in labels if label.question_id in chosen), key=lambda label: label.question_id)


def _agreed(decided: list[Vote], min_agreement: float, run_seed: int) -> list[Vote]:
    chosen = [vote for vote in decided if vote.votes >= votes_needed(min_agreement, vote.k)]
    below = [vote for vote in decided if vote.agreement is None and vote.votes < votes_needed(min_agreement, vote.k)]
    _require_full(below, "min_agreement")
    if not chosen:
        best = max(decided, key=_agreement)
        raise NotTrainable(
            f"No question reaches an agreement of {min_agreement}; the highest is {best.votes} of {best.k} votes.",
            why="Without labels there is nothing to learn from.",
            do=f"Set select.min_agreement to {best.votes / best.k:g} or less, or use a stronger teacher.",
            code="no-votes-selected",
        )
    return chosen


def _most_agreed(decided: list[Vote], n: int, run_seed: int) -> list[Vote]:
    """Equal agreement is ordered by a seeded hash of the question id."""
    _require_full([vote for vote in decided if vote.agreement is None], "count")
    ranked = sorted(
        decided, key=lambda vote: (-_agreement(vote), seeds.seed(run_seed, "select-ties", vote.question_id))
    )
    return _first(ranked, n, "count")


def _random(decided: list[Vote], n: int, run_seed: int) -> list[Vote]:
    """A smaller draw is part of a larger one."""
    ranked = sorted(decided, key=lambda vote: seeds.seed(run_seed, "select-random", vote.question_id))
    return _first(ranked, n, "random_count")


def _agreement(vote: Vote) -> Fraction:
    return Fraction(vote.votes, vote.k)


def _require_full(stopped: list[Vote], name: str) -> None:
    """Raise UserError where votes that stopped early would be ordered by an agreement that they do not have."""
    if stopped:
        vote = stopped[0]
        raise UserError(
            f"select.{name} needs the agreement of {len(stopped)} questions whose sampling stopped early"
            f" ({vote.question_id}: {vote.votes} of {vote.drawn} votes, {vote.k} at most).",
            why="Stopping when one answer leads inflates its share, so it is no agreement over K samples.",
            do="Select all, sample with stopping = fixed, or with lossless at this min_agreement.",
            code="agreement-of-stopped-votes",
        )


def _first(ordered: list[Vote], n: int, name: str) -> list[Vote]:
    if n > len(ordered):
        raise NotTrainable(
            f"select.{name} needs {n} questions and {len(ordered)} have a winner.",
            why="A smaller selection would change what the comparison means.",
            do=f"Set select.{name} to {len(ordered)} or less, or sample more questions.",
            code="too-few-winners",
        )
    return ordered[:n]


def _is_share(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and 0 < value <= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


SELECTIONS.register("all", SelectionRule(lambda value: value is True, "true", lambda decided, *_: decided))
SELECTIONS.register("min_agreement", SelectionRule(_is_share, "a share of the K samples, above 0 and up to 1", _agreed))
SELECTIONS.register("count", SelectionRule(_is_number, "a number of questions, from 1", _most_agreed))
SELECTIONS.register("random_count", SelectionRule(_is_number, "a number of questions, from 1", _random))
