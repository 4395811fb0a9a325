"""Lengths of time and times of day."""

from __future__ import annotations

from datetime import datetime

import pytest

from noisy_student.cli.deadline import parse_deadline
from noisy_student.errors import UserError

NOON = datetime(2026, 3, 10, 12, 0, 0).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10h", 36_000), ("90m", 5400), ("30s", 30), ("1h30m", 5400), ("1.5H", 5400), (" 2d ", 172_800)],
)
def test_lengths_count_from_now(text: str, seconds: float) -> None:
    assert parse_deadline(text, now=NOON) == NOON + seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:30", datetime(2026, 3, 10, 18, 30)),
        ("7:05", datetime(2026, 3, 11, 7, 5)),
        ("12:00", datetime(2026, 3, 11, 12, 0)),
    ],
)
def test_a_time_of_day_is_the_next_one(text: str, expected: datetime) -> None:
    assert parse_deadline(text, now=NOON) == expected.timestamp()


@pytest.mark.parametrize("text", ["", "10", "h", "25:00", "12:60", "tomorrow", "-1h", "10h 5"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--deadline"):
        parse_deadline(text, now=NOON)
