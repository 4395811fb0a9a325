"""Warnings printed with the results, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisy_student.answers.extract import MOST_ANSWERS
from noisy_student.study.settings.study import Settings

SHOWN = 5
HOPELESS = 0.05
"""Accuracy of an untrained model below which its votes teach nothing (the plan asks for 20 %)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The samples of one node: their number, ids of questions too long for it, and samples flooded with answers."""

    part: str
    samples: int
    too_long: Sequence[str]
    flooded: int
    fallback: str | None = None
    """Reason why the samples were drawn in a slower way."""


def notes(settings: Settings, conditions: Sequence[Mapping[str, Any]], drawn: Iterable[Drawn]) -> Iterator[str]:
    """Yield the settings' own note, then warnings: a model that is hardly ever right, questions too long, floods."""
    if settings.note:
        yield settings.note
    for row in conditions:
        if row["method"] == "none" and row["interval"] is not None and row["interval"][1] < HOPELESS:
            yield (
                f"{row['name']} answers {row['correct']} of {row['n']} questions right, so its votes would be wrong"
                " nearly always: easier questions, a stronger model or more labels come first."
            )
    every = list(drawn)
    for name, label in settings.labels.items():
        if label.stopping == "lossless" and not label.stops_early:
            yield f"labels.{name} takes the {label.text} text, which may be any of the K samples: all were drawn."
    for reason in sorted({one.fallback for one in every if one.fallback is not None}):
        yield (
            f"Samples were drawn by transformers' own forward pass, which is slower: this model has no decoder here,"
            f" for {reason}."
        )
    yield from _too_long(every)
    yield from _flooded(every)


def _too_long(drawn: Iterable[Drawn]) -> Iterator[str]:
    named: dict[str, set[str]] = {}
    for one in drawn:
        named.setdefault(one.part, set()).update(one.too_long)
    for part, ids in named.items():
        if ids:
            shown = ", ".join(sorted(ids)[:SHOWN]) + (" and others" if len(ids) > SHOWN else "")
            yield f"{len(ids)} {part} questions are longer than the model's context and count as not answered: {shown}."


def _flooded(drawn: Sequence[Drawn]) -> Iterator[str]:
    samples, flooded = sum(one.samples for one in drawn), sum(one.flooded for one in drawn)
    if flooded > samples / 100:
        yield (
            f"{flooded} of {samples} samples hold more than {MOST_ANSWERS} answers; the first after #### is read, else"
            " the last box: what they count for is chance."
        )
