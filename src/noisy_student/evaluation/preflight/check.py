"""The judgement that a pre-flight check returns, and the formats of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from noisy_student.statistics.intervals import Interval

Outcome = Literal["pass", "warn", "fail", "unsure"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome of one check; ``measured`` is ``value`` in words, ``remedy`` replaces the remedy of the table."""

    outcome: Outcome
    value: float | None
    measured: str
    detail: str = ""
    remedy: str | None = None


def share(part: int, whole: int) -> str:
    """Format a share in percent.

    >>> share(1, 8)
    '12.5 %'
    """
    return f"{100 * part / whole:.1f} %"


def with_interval(part: int, whole: int, interval: Interval) -> str:
    """Format a share with its 95 % interval, in percent.

    >>> with_interval(1, 4, Interval(0.046, 0.699))
    '25.0 % [4.6, 69.9]'
    """
    return f"{share(part, whole)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def in_bytes(count: float) -> str:
    """Format bytes in GiB or MiB.

    >>> in_bytes(3 * 2**30), in_bytes(5_000_000)
    ('3.0 GiB', '5 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
