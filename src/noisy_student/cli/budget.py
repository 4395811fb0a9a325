"""``--budget``: an amount of money, and what an hour of this machine costs, into the moment when it is spent."""

from __future__ import annotations

import math

from noisy_student.errors import UserError

_HOUR = 3600


def budget_deadline(usd: float, *, usd_per_hour: float | None, now: float) -> float:
    """The ``time.time()`` at which ``usd`` are spent from ``now`` on; UserError without a price or an amount.

    >>> budget_deadline(5.0, usd_per_hour=2.5, now=1000.0)
    8200.0
    """
    if not (math.isfinite(usd) and usd > 0):
        raise UserError(f"--budget is {usd:g}.", why="It is an amount to spend.", do="Give USD above 0.")
    if usd_per_hour is None:
        raise UserError(
            f"--budget is {usd:g} USD, but nobody has said what an hour costs.",
            why="The price of a machine is not the same anywhere.",
            do="Add --set compute.usd_per_hour=2.50 with your price, or write it into the scale.",
        )
    return now + usd / usd_per_hour * _HOUR
