"""What one pre-flight check says, and how numbers are written in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from noisy_student.statistics.intervals import Interval

Result = Literal["pass", "warn", "fail", "unsure"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``value`` is what was measured, a plain number or None, and ``measured`` the same in words.

    ``remedy`` is what to do, None where nothing is to be done.
    """

    check: str
    outcome: Result
    value: float | None
    measured: str
    threshold: str
    remedy: str | None = None
    detail: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """The check as one JSON object."""
        return asdict(self)


def share(part: int, whole: int) -> str:
    """A share in percent.

    >>> share(1, 8)
    '12.5 %'
    """
    return f"{100 * part / whole:.1f} %"


def with_interval(part: int, whole: int, interval: Interval) -> str:
    """A share with its 95 % interval, in percent.

    >>> with_interval(1, 4, Interval(0.046, 0.699))
    '25.0 % [4.6, 69.9]'
    """
    return f"{share(part, whole)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def size(count: float) -> str:
    """Bytes in words.

    >>> size(3 * 2**30), size(5_000_000)
    ('3.0 GiB', '5 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
