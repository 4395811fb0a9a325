"""Procedural shop problems: the lab's foreign questions, which no lab model was pretrained on.

Other sentences than those of ``procedural`` and other calculations: quantities times prices and hours times wages,
summed to a bill or a pay, or taken from a purse; a coupon, money that comes back, a tip, a fare. Only the numerals and
the signs of arithmetic are shared, so what a model knows carries over in part. Structures are named ``shop:...``: none
of them is one of ``procedural``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from noisy_student import seeds
from noisy_student.data.generated.problems import LARGEST, MOST_MISSES, Equation
from noisy_student.errors import UserError

Scene = Literal["bill", "purse", "pay"]

SCENES: tuple[Scene, ...] = ("bill",) * 4 + ("purse",) * 4 + ("pay",)
"""Scenes, each as frequent as it is listed."""
SEVERAL_OF_ONE = 0.35
"""Share of bills and purses with several of one item, so that a price is multiplied."""
MOST_LINES = 4
MOST_OF_PAY = 2
"""Calculations of a wage problem: hours times wage, and a tip or an expense."""
BUYERS = ("Nora", "Paul", "Omar", "Lily", "Hugo", "Rosa", "Ivan", "Kate", "Finn", "Dora")
GOODS = ("melon", "ticket", "candle", "ribbon", "lamp", "scarf", "pizza", "mug", "puzzle", "rope")
FIRST = ("A {g} costs {p} coins.", "There are {p} coins on the bill.")
PURSE = ("{n} has {m} coins to spend.", "{n} has {m} coins in a purse.")
ONE = {
    "bill": ("The bill gets {p} more.", "{n} gets a {g} of {p} coins."),
    "purse": ("{n} gives {p} coins for a {g}.", "{n} gives {p} coins to the seller."),
}
SEVERAL = {
    "bill": ("{n} buys {q} {g}s of {p} coins.", "{n} gets {q} {g}s with {p} each."),
    "purse": ("{n} gives {q} times {p} coins for a {g}.", "{n} pays for {q} {g}s of {p} coins."),
    "pay": ("{n} works {q} hours for {p} coins each.", "{n} gets {p} coins for each of {q} hours."),
}
MORE = {
    "bill": ("The bill gets {x} more for a bag.",),
    "purse": ("{n} gets {x} coins back.",),
    "pay": ("{n} gets {x} from a guest.", "A tip brings {x} more."),
}
LESS = {
    "bill": ("The seller gives away {x}.", "The price loses {x} coins."),
    "purse": ("{n} gives {x} coins for the bus.",),
    "pay": ("{n} hands {x} to the cook.", "{n} gives {x} coins for the bus."),
}
ASKS = {
    "bill": ("How many coins are there now?",),
    "purse": ("How many coins does {n} have now?",),
    "pay": ("How many coins does {n} have now?",),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity at a price, or hours at a wage; a quantity of one takes no calculation."""

    count: int
    price: int

    @property
    def total(self) -> int:
        """The total of the line."""
        return self.count * self.price


@dataclass(frozen=True, slots=True)
class ShopProblem:
    """A bill, a wage, or the rest of a purse, and its story.

    Lines add up, but are taken from ``purse`` where there is one; ``extra`` is then added, or taken where it is below
    zero; 0 stands for none.
    """

    text: str
    scene: Scene
    lines: tuple[Line, ...]
    extra: int = 0
    purse: int = 0

    @property
    def equations(self) -> list[Equation]:
        """List the calculations from the prices to the answer.

        >>> [str(line) for line in ShopProblem("", "purse", (Line(3, 4), Line(1, 5)), 2, 20).equations]
        ['3*4=12', '20-12=8', '8-5=3', '3+2=5']
        """
        made: list[Equation] = []
        total = self.purse
        for line in self.lines:
            if line.count > 1:
                made.append(Equation(line.count, "*", line.price))
            if total:
                made.append(Equation(total, "-" if self.purse else "+", line.total))
            total += -line.total if self.purse else line.total
        if self.extra:
            made.append(Equation(total, "+" if self.extra > 0 else "-", abs(self.extra)))
        return made

    @property
    def steps(self) -> int:
        """Number of calculations from the prices to the answer."""
        return len(self.equations)

    @property
    def structure(self) -> str:
        """Scene and numbers; equal for stories that differ in words only.

        >>> ShopProblem("", "purse", (Line(3, 4),), 0, 20).structure
        'shop:purse 20 3x4 +0'
        """
        lines = " ".join(f"{line.count}x{line.price}" for line in self.lines)
        return f"shop:{self.scene} {self.purse} {lines} {self.extra:+d}"

    @property
    def answer(self) -> str:
        """The true answer in canonical form."""
        return str(self.equations[-1].result)


def problems(run_seed: int, *, steps: tuple[int, int]) -> Iterator[ShopProblem]:
    """Yield distinct problems of ``steps`` (least, largest) calculations.

    Raises UserError once no new one is found: there are some hundreds of one calculation.
    """
    chance = seeds.generator(run_seed, "problems:shop")
    seen: set[str] = set()
    misses = 0
    while misses < MOST_MISSES:
        problem = draw(chance, steps=steps)
        misses += 1
        if problem.structure not in seen:
            seen.add(problem.structure)
            misses = 0
            yield problem
    raise UserError(
        f"There are only {len(seen)} different shop problems with {steps[0]} to {steps[1]} calculations.",
        why="Every question is used once.",
        do="Allow more calculations with data.foreign.steps, or lower data.foreign.count.",
        code="too-few-problems",
    )


def draw(chance: random.Random, *, steps: tuple[int, int]) -> ShopProblem:
    """Draw one problem whose results are all within 1 to 99."""
    wanted, scene = chance.randint(*steps), chance.choice(SCENES)
    while True:
        problem = _drawn(chance, scene)
        results = [line.result for line in problem.equations]
        if problem.steps == wanted and all(1 <= result <= LARGEST for result in results):
            return problem
        if scene == "pay" and wanted > MOST_OF_PAY:
            scene = chance.choice(SCENES)


def solution(problem: ShopProblem) -> str:
    """Write the worked solution; it ends in ``#### N``."""
    return "\n".join([*map(str, problem.equations), f"#### {problem.answer}"])


def _drawn(chance: random.Random, scene: Scene) -> ShopProblem:
    """Draw a problem of any length and size of results."""
    if scene == "pay":
        lines = [Line(chance.randint(2, 5), chance.randint(2, 9))]
    else:
        first = chance.randint(3, 20) if scene == "bill" else chance.randint(2, 15)
        lines = [Line(1, first), *(Line(1, chance.randint(2, 15)) for _ in range(chance.randrange(MOST_LINES)))]
        if chance.random() < SEVERAL_OF_ONE:
            lines[chance.randrange(len(lines))] = Line(chance.randint(2, 4), chance.randint(2, 6))
    extra = chance.choice((0, 0, 1, -1)) * chance.randint(2, 15)
    return _told(chance, scene, tuple(lines), extra=extra, purse=chance.randint(8, 20) if scene == "purse" else 0)


def _told(chance: random.Random, scene: Scene, lines: tuple[Line, ...], *, extra: int, purse: int) -> ShopProblem:
    name, goods = chance.choice(BUYERS), chance.sample(GOODS, len(lines))
    told = [chance.choice(PURSE).format(n=name, m=purse)] if purse else []
    for line, good in zip(lines, goods, strict=True):
        ways = SEVERAL[scene] if line.count > 1 else ONE[scene] if told else FIRST
        told.append(chance.choice(ways).format(n=name, q=line.count, p=line.price, g=good))
    if extra:
        told.append(chance.choice((MORE if extra > 0 else LESS)[scene]).format(n=name, x=abs(extra)))
    told.append(chance.choice(ASKS[scene]).format(n=name))
    return ShopProblem(" ".join(told), scene, lines, extra, purse)
