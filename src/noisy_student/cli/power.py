"""``power``: what a number of questions can show, paired and unpaired, before anything is run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.console import emit, output
from noisy_student.errors import UserError
from noisy_student.report.numbers import count, percent, size
from noisy_student.statistics.power import (
    DISCORDANCE,
    paired_mde,
    paired_n,
    paired_power,
    unpaired_mde,
    unpaired_n,
    unpaired_power,
)

QUESTIONS = 500
"""The test size of the plan."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The same questions for both: McNemar. ``mde`` at ``n``; ``n_needed`` and ``power`` for ``difference``."""

    discordance: float
    n: int
    mde: float
    difference: float | None
    n_needed: int | None
    power: float | None


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Different questions, ``n`` for each side: pooled z. ``n_needed`` and ``power`` are for p1 against p2."""

    p1: float
    p2: float | None
    n: int
    mde: float
    n_needed: int | None
    power: float | None


def command(
    n: Annotated[int, typer.Option("--n", metavar="N", help="Test questions.", min=1)] = QUESTIONS,
    p1: Annotated[float | None, typer.Option("--p1", metavar="P", help="Accuracy of one side, in (0, 1).")] = None,
    p2: Annotated[float | None, typer.Option("--p2", metavar="P", help="Accuracy of the other side.")] = None,
    psi: Annotated[
        float, typer.Option("--psi", metavar="P", help="Share of questions that only one side answers right.")
    ] = DISCORDANCE,
    delta: Annotated[float | None, typer.Option("--delta", metavar="D", help="The difference you hope to see.")] = None,
    json: options.Json = False,
) -> None:
    """Say what a number of questions can show: at 5 %, two-sided, with 80 % power."""
    shares = {"--p1": p1, "--p2": p2, "--psi": psi}
    for name, value in shares.items():
        if value is not None and not 0 < value < 1:
            raise UserError(f"{name} is {value}.", why="It is a fraction between 0 and 1.", do=f"Write {name} 0.3.")
    if p2 is not None and p1 is None:
        raise UserError("--p2 stands without --p1.", do="Give both.")
    hoped = p1 - p2 if delta is None and p1 is not None and p2 is not None else delta
    pair = paired(n, psi, hoped)
    apart = None if p1 is None else unpaired(n, p1, p2)
    if json:
        emit({"schema": 1, "paired": asdict(pair), "unpaired": None if apart is None else asdict(apart)})
    else:
        _show(pair, apart)


def paired(n: int, psi: float, difference: float | None) -> Paired:
    """What ``n`` questions show when both sides answer the same ones.

    >>> round(paired(500, 0.25, None).mde, 4)
    0.0626
    """
    if difference is not None and not 0 < abs(difference) <= psi:
        raise UserError(
            f"A difference of {difference:.4g} does not go with --psi {psi}.",
            why="It cannot be 0, nor larger than the share of questions that only one side answers right.",
            do="Give another --delta, or a larger --psi.",
        )
    return Paired(
        discordance=psi,
        n=n,
        mde=paired_mde(psi, n),
        difference=difference,
        n_needed=None if difference is None else math.ceil(paired_n(psi, difference)),
        power=None if difference is None else paired_power(psi, difference, n),
    )


def unpaired(n: int, p1: float, p2: float | None) -> Unpaired:
    """What ``n`` questions a side show when the sides answer different ones."""
    both = p2 is not None and p2 != p1
    return Unpaired(
        p1=p1,
        p2=p2,
        n=n,
        mde=unpaired_mde(p1 if p2 is None else (p1 + p2) / 2, n),
        n_needed=math.ceil(unpaired_n(p1, p2)) if both and p2 is not None else None,
        power=unpaired_power(p1, p2, n) if both and p2 is not None else None,
    )


def _show(pair: Paired, apart: Unpaired | None) -> None:
    console = output()
    told = f"Paired, {percent(pair.discordance)} of the questions answered right by only one side (--psi): "
    lines = [f"{told}{count(pair.n)} questions show a difference of {size(pair.mde)} points."]
    if pair.difference is not None:
        hoped = f"{size(abs(pair.difference))} points need {count(pair.n_needed)} questions"
        lines.append(f"{hoped}; with {count(pair.n)} they are seen with {percent(pair.power)} power.")
    if apart is not None:
        told = f"Unpaired, {count(apart.n)} questions a side"
        lines.append(f"{told} near {percent(apart.p1)} show a difference of {size(apart.mde)} points.")
        if apart.p2 is not None and apart.power is not None:
            told = f"{percent(apart.p1)} against {percent(apart.p2)} needs {count(apart.n_needed)} questions a side"
            lines.append(f"{told}; with {count(apart.n)} it is seen with {percent(apart.power)} power.")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    console.print(Text("At 5 %, two-sided; seen means with 80 % power unless said otherwise.", "dim"))
