"""``power``: the differences that a number of test questions can detect, paired and unpaired."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.console import emit, output, say
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
"""Default test size: that of the plan."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Both sides answer the same questions (McNemar): ``mde`` at ``n``; ``n_needed``, ``power`` for ``difference``."""

    discordance: float
    n: int
    mde: float
    difference: float | None
    n_needed: int | None
    power: float | None


@dataclass(frozen=True, slots=True)
class Unpaired:
    """The sides answer different questions, ``n`` each (pooled z); ``n_needed`` and ``power`` for p1 against p2."""

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
    delta: Annotated[float | None, typer.Option("--delta", metavar="D", help="The difference to detect.")] = None,
    json: options.Json = False,
) -> None:
    """Show which differences a number of test questions can detect: at 5 %, two-sided, with 80 % power."""
    shares = {"--p1": p1, "--p2": p2, "--psi": psi}
    for name, value in shares.items():
        if value is not None and not 0 < value < 1:
            raise UserError(
                f"{name} is {value}.",
                why="It is a fraction between 0 and 1.",
                do=f"Write a number like {name} 0.3.",
                code="fraction-invalid",
            )
    if p2 is not None and p1 is None:
        raise UserError(f"--p2 is {p2}, but --p1 is missing.", do="Give both.", code="flag-needs-another")
    hoped = p1 - p2 if delta is None and p1 is not None and p2 is not None else delta
    pair = paired(n, psi, hoped)
    apart = None if p1 is None else unpaired(n, p1, p2)
    if json:
        emit({"schema": 1, "paired": asdict(pair), "unpaired": None if apart is None else asdict(apart)})
    else:
        _show(pair, apart)


def paired(n: int, psi: float, difference: float | None) -> Paired:
    """Return the power of ``n`` questions that both sides answer.

    >>> round(paired(500, 0.25, None).mde, 4)
    0.0626
    """
    if difference is not None and not 0 < abs(difference) <= psi:
        raise UserError(
            f"A difference of {difference:.4g} is impossible with --psi {psi}.",
            why="It must not be 0, nor larger than the share of questions that only one side answers right.",
            do="Give another --delta, or a larger --psi.",
            code="difference-impossible",
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
    """Return the power of ``n`` questions per side that differ between the sides."""
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
    start = f"Paired, {percent(pair.discordance)} of the questions answered right by only one side (--psi): "
    lines = [f"{start}{count(pair.n)} questions detect a difference of {size(pair.mde)} points."]
    if pair.difference is not None:
        needed = f"{size(abs(pair.difference))} points need {count(pair.n_needed)} questions"
        lines.append(f"{needed}; {count(pair.n)} detect them with {percent(pair.power)} power.")
    if apart is not None:
        start = f"Unpaired, {count(apart.n)} questions per side"
        lines.append(f"{start} near {percent(apart.p1)} detect a difference of {size(apart.mde)} points.")
        if apart.p2 is not None and apart.power is not None:
            start = f"{percent(apart.p1)} against {percent(apart.p2)} needs {count(apart.n_needed)} questions per side"
            lines.append(f"{start}; {count(apart.n)} detect it with {percent(apart.power)} power.")
    say(*lines)
    output().print(Text("At 5 %, two-sided; 80 % power unless another power is given.", "dim"))
