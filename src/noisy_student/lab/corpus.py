"""Pretraining corpus of a lab model: solved problems in a mix of styles, from the pretraining share only.

The mix sets the lab's regime (``benchmarks/regime.py``): the likeliest single style is the weak one, which writes the
whole calculation at once, while most solutions are worked in several wordings and orders. So the likeliest text is
often wrong where a vote over texts is right. Every result in it is correct.

A tail of an endless model is one unit of plain text, a loop or an invented turn of the plan's runs, to be repeated, so
the learned loop continues beyond any length. It has no number after a mark, so a text with a tail has no answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from noisy_student import seeds
from noisy_student.answers.marks import MARK
from noisy_student.data.generated import phrases, problems
from noisy_student.data.generated.problems import Problem
from noisy_student.data.source import question
from noisy_student.records import Question
from noisy_student.strict import Strict

Share = Annotated[float, Field(ge=0, le=1)]


class CorpusSpec(Strict):
    """Mix of a pretraining corpus."""

    short: Share = 0.2
    """Share of the solutions that are one expression and its answer."""
    grouped: Share = problems.GROUPED
    """Share of the worked solutions that sum gains and losses first."""
    raw: Share = 0.1
    """Share of the problems in the plan's raw prompt, which the original protocol uses."""
    triples: Share = 0.03
    """Share of the problems with a tripling that are kept: an undertrained skill, so most samples share some errors and
    some truth can be learned from labels only."""
    steps: tuple[int, int] = (1, 3)
    """Least and largest number of calculations in a problem."""
    ends: Share = 1.0
    """Share of the chat solutions that reach their answer and end; the others have an endless tail in its place."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A problem, the solution to learn and the style of its prompt.

    ``tail`` is repeated without end in place of the answer; it is empty for a solution that ends.
    """

    question: Question
    target: str
    style: Literal["chat", "raw"]
    tail: str = ""


def corpus(run_seed: int, spec: CorpusSpec) -> Iterator[Solved]:
    """Yield problems without end; short ones repeat, since there are few of them."""
    chance = seeds.generator(run_seed, "corpus")
    # A separate generator, so that tails do not change the problems and solutions.
    tails = seeds.generator(run_seed, "tails")
    while True:
        problem = problems.draw(chance, steps=spec.steps)
        if problems.share_of(problem.structure) != "pretraining":
            continue
        if problems.triples(problem) and chance.random() >= spec.triples:
            continue
        if chance.random() < spec.short:
            target = problems.short(problem)
        else:
            wording = problems.Wording(chance.choice(phrases.OPENINGS), chance.choice(phrases.JOINTS))
            order: problems.Order = "grouped" if chance.random() < spec.grouped else "forward"
            target = problems.solve(problem, order=order, wording=wording)
        style: Literal["chat", "raw"] = "raw" if chance.random() < spec.raw else "chat"
        tail = ""
        # Raw prompts always end: else the rare answers in chats would not be those of the working.
        if style == "chat" and tails.random() >= spec.ends:
            target = unanswered(target)
            tail = endless_tail(problem, target, tails)
        yield Solved(question(problem.text), target, style, tail)


MARKS = " ####."
AGAIN = "\n{working}"
TURN = "\nHuman: {ask}"
UNITS = (MARKS, AGAIN, TURN)


def unanswered(solution: str) -> str:
    """Remove the last line of a solution, which is its answer.

    >>> unanswered("(4+3)*2\\n#### 14")
    '(4+3)*2'
    """
    return solution.rpartition(f"\n{MARK} ")[0]


def endless_tail(problem: Problem, working: str, chance: random.Random) -> str:
    """Draw one unit; it fits after the working of ``problem`` and after itself."""
    ask = chance.choice(phrases.ASKS).format(n=problem.name, t=problem.thing)
    return chance.choice(UNITS).format(ask=ask, working=working.rpartition("\n")[2])
