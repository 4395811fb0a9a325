"""``power``: the differences that a number of test questions can detect, paired and unpaired."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from noisy_student.cli import options
from noisy_student.cli.console import Row, emit, note, say
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
    for flag, value in {"--p1": p1, "--p2": p2, "--psi": psi}.items():
        options.require_fraction(flag, value)
    if p2 is not None and p1 is None:
        raise UserError(f"--p2 is {p2}, but --p1 is missing.", do="Give both.", code="flag-needs-another")
    hoped = p1 - p2 if delta is None and p1 is not None and p2 is not None else delta
    pair = paired(n, psi, hoped)
    apart = None if p1 is None else unpaired(n, p1, p2)
    if json:
        emit({"schema": 1, "paired": pair, "unpaired": apart})
    else:
        _show(pair, apart)


def paired(n: int, psi: float, difference: float | None) -> Row:
    """Return the power of McNemar's test on ``n`` questions that both sides answer, for ``difference`` if given.

    >>> round(paired(500, 0.25, None)["mde"], 4)
    0.0626
    """
    if difference is not None and not 0 < abs(difference) <= psi:
        raise UserError(
            f"A difference of {difference:.4g} is impossible: it is 0, or larger than --psi {psi}.",
            do="Give another --delta, or a larger --psi.",
            code="difference-impossible",
        )
    needed = power = None
    if difference is not None:
        needed, power = math.ceil(paired_n(psi, difference)), paired_power(psi, difference, n)
    mde = paired_mde(psi, n)
    return {"discordance": psi, "n": n, "mde": mde, "difference": difference, "n_needed": needed, "power": power}


def unpaired(n: int, p1: float, p2: float | None) -> Row:
    """Return the power of a pooled z test on ``n`` questions per side, for ``p1`` against ``p2`` if given."""
    needed = power = None
    if p2 is not None and p2 != p1:
        needed, power = math.ceil(unpaired_n(p1, p2)), unpaired_power(p1, p2, n)
    mde = unpaired_mde(p1 if p2 is None else (p1 + p2) / 2, n)
    return {"p1": p1, "p2": p2, "n": n, "mde": mde, "n_needed": needed, "power": power}


def _show(pair: Row, apart: Row | None) -> None:
    start = f"Paired, {percent(pair['discordance'])} of the questions answered right by only one side (--psi): "
    say(f"{start}{count(pair['n'])} questions detect a difference of {size(pair['mde'])} points.")
    if pair["difference"] is not None:
        needed = f"{size(abs(pair['difference']))} points need {count(pair['n_needed'])} questions"
        say(f"{needed}; {count(pair['n'])} detect them with {percent(pair['power'])} power.")
    if apart is not None:
        n, first = count(apart["n"]), percent(apart["p1"])
        say(f"Unpaired, {n} questions per side near {first} detect a difference of {size(apart['mde'])} points.")
        if apart["power"] is not None:
            start = f"{first} against {percent(apart['p2'])} needs {count(apart['n_needed'])} questions per side"
            say(f"{start}; {n} detect it with {percent(apart['power'])} power.")
    note("At 5 %, two-sided; 80 % power unless another power is given.")
