"""What a stage is handed while it runs: its folder, a place to report progress, and the question whether to stop.

Deadline and signals are looked at in one place, ``check()``, which every long loop calls.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from noisy_student.errors import Interrupted, Paused

_STOP: dict[str, int | None] = {"signal": None}


class Context:
    """The stage's working folder (kept across a pause, so partial work is found again), progress, deadline."""

    def __init__(self, folder: Path, *, deadline: float | None = None) -> None:
        """``deadline`` is a time.time() after which ``check()`` raises Paused; None means no end."""
        self.folder = folder
        self.deadline = deadline
        self._last_write = 0.0
        self._notices: list[str] = []
        self._progress: dict[str, Any] = {"done": 0, "total": 0, "unit": "", "pid": os.getpid()}

    @property
    def data(self) -> Path:
        """Where the stage's output goes: everything under it is committed, byte for byte reproducible."""
        path = self.folder / "data"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def scratch(self) -> Path:
        """Partial work that a resumed stage reads and a finished one drops (chunks, trainer checkpoints)."""
        path = self.folder / "scratch"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def curves(self) -> Path:
        """What a run leaves beside its data that differs from run to run, such as seconds: never in a digest."""
        path = self.folder / "curves"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def check(self, ahead: float = 0.0) -> None:
        """Raise Interrupted after a signal and Paused at the deadline; call it in every long loop.

        ``ahead`` is how many seconds the next part of the work will take before it asks again.
        """
        if _STOP["signal"] is not None:
            raise Interrupted(signal.Signals(_STOP["signal"]).name)
        if self.deadline is not None and time.time() + ahead >= self.deadline:
            raise Paused

    def progress(self, done: float, total: float, unit: str = "") -> None:
        """Say how far the stage is; written at most five times a second, read by whoever shows it."""
        now = time.monotonic()
        if now - self._last_write < 0.2 and done < total:
            return
        self._last_write = now
        self._progress |= {"done": done, "total": total, "unit": unit}
        self._say()

    def notice(self, text: str) -> None:
        """Say a line that people should read while the stage goes on; what must last belongs into the result."""
        self._notices.append(text)
        self._say()

    def _say(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / ".progress.tmp"
        temporary.write_text(json.dumps({**self._progress, "notices": self._notices}))
        temporary.replace(self.folder / "progress.json")


@contextmanager
def stop_on_signals(notify: Callable[[str], None] | None = None) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM make every ``check()`` raise Interrupted; a second one stops at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        if _STOP["signal"] is not None:
            raise KeyboardInterrupt
        _STOP["signal"] = number
        if notify is not None:
            notify(signal.Signals(number).name)

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    _STOP["signal"] = None
    try:
        yield
    finally:
        _STOP["signal"] = None
        for number, old in before.items():
            signal.signal(number, old)
