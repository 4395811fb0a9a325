"""The one place where a deadline is looked at."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

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


def said(folder: Path) -> dict[str, Any]:
    """What whoever shows the run reads."""
    found: dict[str, Any] = json.loads((folder / "progress.json").read_text())
    return found


def test_a_notice_stands_beside_the_progress_and_later_progress_keeps_it(tmp_path: Path) -> None:
    context = Context(tmp_path / "work")
    context.notice("before anything")  # a folder that is not there yet
    assert said(context.folder) == {
        "done": 0, "total": 0, "unit": "", "pid": os.getpid(), "notices": ["before anything"],
    }  # fmt: skip
    context.progress(4, 4, "steps")
    assert said(context.folder)["notices"] == ["before anything"]
    context.notice("step 30: collapse")
    assert said(context.folder) == {
        "done": 4, "total": 4, "unit": "steps", "pid": os.getpid(), "notices": ["before anything", "step 30: collapse"],
    }  # fmt: skip


def test_notices_are_written_at_once_however_often(tmp_path: Path) -> None:
    context = Context(tmp_path)
    for number in range(5):
        context.notice(str(number))
        assert said(tmp_path)["notices"][-1] == str(number)
    assert said(tmp_path)["notices"] == list("01234")
