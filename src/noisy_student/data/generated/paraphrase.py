"""Paraphrases of generated problems: the same story with every sentence in other words."""

from __future__ import annotations

import random
import re

from noisy_student import seeds
from noisy_student.data.generated import phrases
from noisy_student.data.generated.problems import Change, Problem


def paraphrase(problem: Problem, run_seed: int) -> str:
    """Return another text of ``problem`` that shares no sentence with it; seeded by its structure.

    Rare words are as rare as in the problems themselves.
    """
    chance = seeds.generator(run_seed, "retelling", problem.structure)
    before = re.split(r"(?<=[.?]) ", problem.text)
    told = [_filled(chance, phrases.STARTS, problem, Change("gain", problem.start), before[0])]
    for change, sentence in zip(problem.changes, before[1:-1], strict=True):
        told.append(_filled(chance, _templates(chance, change), problem, change, sentence))
    told.append(_filled(chance, phrases.ASKS, problem, Change("gain", 0), before[-1]))
    return " ".join(told)


def _templates(chance: random.Random, change: Change) -> tuple[str, ...]:
    """Return the sentence templates of a change."""
    if change.kind == "times":
        return phrases.TIMES[change.amount]
    rare = chance.random() < phrases.RARE
    return {
        "gain": phrases.RARE_GAINS if rare else phrases.GAINS,
        "loss": phrases.RARE_LOSSES if rare else phrases.LOSSES,
        "packs": phrases.PACK_GAINS,
    }[change.kind]


def _filled(chance: random.Random, templates: tuple[str, ...], problem: Problem, change: Change, before: str) -> str:
    """Draw a sentence other than ``before``; each list has at least two templates that differ for any numbers."""
    while True:
        packs = chance.choice(phrases.PACKS)
        told = chance.choice(templates).format(
            n=problem.name, t=problem.thing, x=change.amount, p=change.packs, c=packs
        )
        if told != before:
            return told
