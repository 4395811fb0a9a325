"""Whoever holds a stage may die, leave children behind, or have left a record: the next run does not wait for it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from workplace import SECONDS, Workplace, comparable, wait_until

pytestmark = pytest.mark.slow

STUDENT = "train noisy-student"


def _is_whole(place: Workplace, reference: Workplace) -> None:
    assert place.data() == reference.data()
    assert comparable(place.results()) == comparable(reference.results())
    assert place.failures() == []


def test_a_killed_holder_whose_worker_lives_on(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    process = place.start("--set", "compute.workers=2")
    record = place.store / "locks" / f"{place.node(STUDENT).short_key}.json"
    progress = place.store / "work" / place.node(STUDENT).short_key / "progress.json"
    wait_until(progress.exists, process)
    worker = int(json.loads(record.read_text())["pid"])
    assert worker != process.pid
    process.send_signal(signal.SIGKILL)
    process.wait()
    place.complete()
    _is_whole(place, reference)
    end = time.monotonic() + SECONDS
    while _lives(worker):
        assert time.monotonic() < end, "the worker outlived its parent"
        time.sleep(0.05)


def test_a_record_of_somebody_who_lives_is_no_lock(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    # As after a crash, when the number has gone to another process since.
    record = place.store / "locks" / f"{place.node(STUDENT).short_key}.json"
    record.write_text(json.dumps({"pid": os.getpid(), "host": os.uname().nodename}))
    done = place.complete()
    assert "waiting" not in done.stderr
    _is_whole(place, reference)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
