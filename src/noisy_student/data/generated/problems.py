"""Procedural word problems: a story of several steps, its answer, and worked solutions in several forms.

The lab's data. A problem is a start and a list of changes; its structure (kinds of change with their numbers, no
names) decides by hash whether it belongs to the pretraining corpus or to the studies, so that no study question of
any seed was ever pretrained on. Solutions differ in order (step by step, or gains and losses summed first) and in
wording; ``short`` writes one expression and its answer. All of them end in ``#### N``.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from noisy_student import seeds
from noisy_student.data.generated import phrases
from noisy_student.errors import UserError

Share = Literal["study", "pretraining"]
Order = Literal["forward", "grouped"]
ChangeKind = Literal["gain", "loss", "packs", "times"]

ORDERS: tuple[Order, ...] = ("forward", "grouped")
GROUPED = 0.25
"""Share of gold solutions that sum gains and losses first."""
LARGEST = 99
MOST_MISSES = 100_000
"""Draws without a new problem after which none is left; the rarest problem takes about 11,000 on average."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the count: gain or loss of ``amount``, ``packs`` packs of ``amount``, or a multiple."""

    kind: ChangeKind
    amount: int
    packs: int = 0

    @property
    def steps(self) -> int:
        """Number of calculations: packs are multiplied, then added."""
        return 2 if self.kind == "packs" else 1

    @property
    def signed(self) -> int:
        """The number added to the count; undefined for a multiple."""
        assert self.kind != "times"
        return {"gain": 1, "loss": -1, "packs": self.packs}[self.kind] * self.amount

    def __str__(self) -> str:
        return f"{self.kind}:{self.packs}x{self.amount}" if self.packs else f"{self.kind}:{self.amount}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A start, its changes, and the story."""

    text: str
    start: int
    changes: tuple[Change, ...]
    name: str
    thing: str

    @property
    def steps(self) -> int:
        """Number of calculations from start to answer."""
        return sum(change.steps for change in self.changes)

    @property
    def structure(self) -> str:
        """Kinds and numbers of the changes; equal for stories that differ in words only.

        >>> Problem("", 4, (Change("gain", 3), Change("packs", 5, 2)), "Tom", "pens").structure
        '4 gain:3 packs:2x5'
        """
        return " ".join([str(self.start), *map(str, self.changes)])

    @property
    def answer(self) -> str:
        """The true answer in canonical form."""
        return str(_totals(self.start, self.changes)[-1])


@dataclass(frozen=True, slots=True)
class Equation:
    """One line of a solution: ``left`` ``sign`` ``right`` = ``result``."""

    left: int
    sign: Literal["+", "-", "*"]
    right: int

    @property
    def result(self) -> int:
        """The value of the right-hand side."""
        return {"+": self.left + self.right, "-": self.left - self.right, "*": self.left * self.right}[self.sign]

    def __str__(self) -> str:
        return f"{self.left}{self.sign}{self.right}={self.result}"


@dataclass(frozen=True, slots=True)
class Wording:
    """Words before the first calculation and between two calculations."""

    opening: str
    joint: str

    def write(self, lines: list[Equation]) -> str:
        """Write the calculations in these words.

        >>> Wording("First ", ". Then ").write([Equation(3, "+", 4), Equation(7, "-", 2)])
        'First 3+4=7. Then 7-2=5.'
        """
        end = "" if self.joint == "\n" else "."
        return f"{self.opening}{self.joint.join(map(str, lines))}{end}"


def problems(run_seed: int, *, steps: tuple[int, int], share: Share) -> Iterator[Problem]:
    """Yield distinct problems of ``steps`` (least, largest) calculations, from one share.

    Raises UserError once no new one is found: there are about 250 problems of one calculation in a share.
    """
    chance = seeds.generator(run_seed, f"problems:{share}")
    seen: set[str] = set()
    misses = 0
    while misses < MOST_MISSES:
        problem = draw(chance, steps=steps)
        misses += 1
        if share_of(problem.structure) == share and problem.structure not in seen:
            seen.add(problem.structure)
            misses = 0
            yield problem if share == "pretraining" else _retold(problem, run_seed)
    raise UserError(
        f"There are only {len(seen)} different problems of {steps[0]} to {steps[1]} calculations.",
        why="Parts share no question.",
        do="Allow more calculations with data.source.steps, or lower data.unlabeled.",
        code="too-few-problems",
    )


def share_of(structure: str) -> Share:
    """Return the share of a structure, by hash: each has half of all structures."""
    return "study" if hashlib.sha256(structure.encode()).digest()[0] < 128 else "pretraining"


def draw(chance: random.Random, *, steps: tuple[int, int]) -> Problem:
    """Draw one problem whose count stays within 1 to 200 after every change."""
    wanted = chance.randint(*steps)
    while True:
        start = chance.randint(3, 20)
        changes = _changes(chance, wanted)
        # Gains summed first may exceed the range.
        if all(1 <= total <= LARGEST for total in _totals(start, changes)):
            return _tell(chance, start, changes)


def solve(problem: Problem, *, order: Order, wording: Wording) -> str:
    """Write the worked solution in an order and wording; it ends in ``#### N``."""
    return f"{wording.write(equations(problem, order=order))}\n#### {problem.answer}"


def triples(problem: Problem) -> bool:
    """True if a change of the story triples the count."""
    return any(change.kind == "times" and change.amount == 3 for change in problem.changes)


def short(problem: Problem) -> str:
    """Write the whole calculation as one expression with its answer and no intermediate result.

    >>> short(Problem("", 4, (Change("gain", 3), Change("times", 2), Change("packs", 5, 2)), "Tom", "pens"))
    '(4+3)*2+2*5\\n#### 24'
    """
    written, is_sum = str(problem.start), False
    for change in problem.changes:
        if change.kind == "times":
            written = f"({written})*{change.amount}" if is_sum else f"{written}*{change.amount}"
        else:
            amount = f"{change.packs}*{change.amount}" if change.packs else str(change.amount)
            written += f"-{amount}" if change.kind == "loss" else f"+{amount}"
        is_sum = change.kind != "times"
    return f"{written}\n#### {problem.answer}"


def gold_solution(problem: Problem, chance: random.Random) -> str:
    """Draw a worked solution of any order and wording, never the short one."""
    order: Order = "grouped" if chance.random() < GROUPED else "forward"
    wording = Wording(chance.choice(phrases.OPENINGS), chance.choice(phrases.JOINTS))
    return solve(problem, order=order, wording=wording)


def equations(problem: Problem, *, order: Order) -> list[Equation]:
    """List the calculations from start to answer; ``grouped`` sums adjacent gains, and losses, first."""
    lines: list[Equation] = []
    total = problem.start
    for run in _runs(problem.changes, order):
        if run[0].kind == "times":
            lines.append(Equation(total, "*", run[0].amount))
            total = lines[-1].result
            continue
        for sign, amounts in _amounts(run, lines, order):
            while len(amounts) > 1:
                lines.append(Equation(amounts[0], "+", amounts[1]))
                amounts[:2] = [lines[-1].result]
            lines.append(Equation(total, sign, amounts[0]))
            total = lines[-1].result
    return lines


def _amounts(run: list[Change], lines: list[Equation], order: Order) -> Iterator[tuple[Literal["+", "-"], list[int]]]:
    """List the terms to add to the total, in order, after multiplying packs."""
    gains: list[int] = []
    losses: list[int] = []
    for change in run:
        if change.kind == "packs":
            lines.append(Equation(change.packs, "*", change.amount))
        (losses if change.kind == "loss" else gains).append(abs(change.signed))
    if gains:
        yield "+", gains
    if losses:
        yield "-", losses


def _runs(changes: tuple[Change, ...], order: Order) -> list[list[Change]]:
    """Group changes: one each if forward, gains and losses between multiples if grouped."""
    runs: list[list[Change]] = []
    for change in changes:
        joins = order == "grouped" and runs and "times" not in (change.kind, runs[-1][-1].kind)
        if joins:
            runs[-1].append(change)
        else:
            runs.append([change])
    return runs


def _changes(chance: random.Random, steps: int) -> tuple[Change, ...]:
    changes: list[Change] = []
    while (left := steps - sum(change.steps for change in changes)) > 0:
        kinds: list[ChangeKind] = ["gain", "gain", "loss", "loss", "times"]
        kinds += ["packs"] if left >= 2 else []
        kind = chance.choice(kinds)
        if kind == "times" and any(change.kind == "times" for change in changes):
            continue
        if kind == "times":
            changes.append(Change("times", chance.choice((2, 3))))
        elif kind == "packs":
            changes.append(Change("packs", chance.randint(2, 6), chance.randint(2, 4)))
        else:
            changes.append(Change(kind, chance.randint(2, 15)))
    return tuple(changes)


def _totals(start: int, changes: tuple[Change, ...]) -> list[int]:
    """Return the count at the start of the changes and after each."""
    totals = [start]
    for change in changes:
        totals.append(totals[-1] * change.amount if change.kind == "times" else totals[-1] + change.signed)
    return totals


def _tell(chance: random.Random, start: int, changes: tuple[Change, ...]) -> Problem:
    name, thing = chance.choice(phrases.NAMES), chance.choice(phrases.THINGS)
    parts = [chance.choice(phrases.STARTS).format(n=name, x=start, t=thing)]
    for change in changes:
        if change.kind == "times":
            template = chance.choice(phrases.TIMES[change.amount])
        else:
            template = chance.choice(
                {"gain": phrases.GAINS, "loss": phrases.LOSSES, "packs": phrases.PACK_GAINS}[change.kind]
            )
        parts.append(template.format(n=name, t=thing, x=change.amount, p=change.packs, c=chance.choice(phrases.PACKS)))
    parts.append(chance.choice(phrases.ASKS).format(n=name, t=thing))
    return Problem(" ".join(parts), start, changes, name, thing)


def _retold(problem: Problem, run_seed: int) -> Problem:
    """Put some gains and losses of a problem in rare words; the other sentences stay."""
    chance = seeds.generator(run_seed, "rare-words", problem.structure)
    first, *told, last = re.split(r"(?<=[.?]) ", problem.text)
    for index, change in enumerate(problem.changes):
        rare = {"gain": phrases.RARE_GAINS, "loss": phrases.RARE_LOSSES}.get(change.kind)
        if rare is not None and chance.random() < phrases.RARE:
            told[index] = chance.choice(rare).format(n=problem.name, x=change.amount)
    return replace(problem, text=" ".join([first, *told, last]))


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
