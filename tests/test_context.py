"""The one place where a deadline is looked at."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from noisy_student.context import Context
from noisy_student.errors import Paused


def test_work_that_would_end_after_the_deadline_is_not_begun(tmp_path: Path) -> None:
    context = Context(tmp_path, deadline=time.time() + 3600)
    context.check()
    context.check(ahead=1800)
    with pytest.raises(Paused):
        context.check(ahead=4000)


def test_without_a_deadline_nothing_is_too_long(tmp_path: Path) -> None:
    Context(tmp_path).check(ahead=1e12)
