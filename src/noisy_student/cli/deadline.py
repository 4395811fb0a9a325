"""``--deadline``: a length of time from now, or a time of day, into a ``time.time()``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from noisy_student.errors import UserError

SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_deadline(text: str, *, now: float) -> float:
    """The moment that ``text`` means, in seconds since 1970; a time of day is the next one, in local time.

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
        )
    here = datetime.fromtimestamp(now)
    moment = here.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    return (moment if moment > here else moment + timedelta(days=1)).timestamp()
