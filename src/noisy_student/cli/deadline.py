"""``--deadline`` and ``--budget`` as the ``time.time()`` at which a run pauses."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from noisy_student.errors import UserError

SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_deadline(text: str, *, now: float) -> float:
    """Return the time that ``text`` means, in seconds since 1970; a time of day is the next one, in local time.

    >>> parse_deadline("1h30m", now=1000.0)
    6400.0
    """
    word = text.strip().lower()
    if _LENGTH.fullmatch(word):
        return now + sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(word))
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        raise UserError(
            f'--deadline is "{text}".',
            why="It is a length of time or a time of day.",
            do="Write it like 10h, 90m, 1h30m, 30s or 18:30.",
            code="deadline-malformed",
        )
    here = datetime.fromtimestamp(now)
    moment = here.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    return (moment if moment > here else moment + timedelta(days=1)).timestamp()


def budget_deadline(usd: float, *, usd_per_hour: float | None, now: float) -> float:
    """Return the time at which ``usd`` are spent, counted from ``now``; raises UserError without price or amount.

    >>> budget_deadline(5.0, usd_per_hour=2.5, now=1000.0)
    8200.0
    """
    if not (math.isfinite(usd) and usd > 0):
        raise UserError(
            f"--budget is {usd:g}.",
            why="A budget is a positive amount of USD.",
            do="Give more than 0.",
            code="budget-invalid",
        )
    if usd_per_hour is None:
        raise UserError(
            f"--budget is {usd:g} USD, but compute.usd_per_hour is not set.",
            why="Every machine has its own price.",
            do="Add --set compute.usd_per_hour=2.50 with your price, or set it in the scale file.",
            code="price-missing",
        )
    return now + usd / usd_per_hour * SECONDS["h"]
