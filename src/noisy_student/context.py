"""The context of a running stage: its folder, its progress, and the check for a deadline or a signal to stop."""

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
        """The folder of the stage's output: everything under it is committed, byte for byte reproducible."""
        return self._made("data")

    @property
    def scratch(self) -> Path:
        """The folder of partial work that a resumed stage reads and a finished one drops (trainer checkpoints)."""
        return self._made("scratch")

    @property
    def curves(self) -> Path:
        """The folder of output that differs from run to run, such as seconds, and is in no digest."""
        return self._made("curves")

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def check(self, ahead: float = 0.0) -> None:
        """Raise Interrupted after a signal and Paused at the deadline; call it in every long loop.

        ``ahead`` is the time in seconds until the next check.
        """
        if _STOP["signal"] is not None:
            raise Interrupted(signal.Signals(_STOP["signal"]).name)
        if self.deadline is not None and time.time() + ahead >= self.deadline:
            raise Paused

    def progress(self, done: float, total: float, unit: str = "") -> None:
        """Report progress to the file that commands show; written at most five times a second."""
        now = time.monotonic()
        if now - self._last_write < 0.2 and done < total:
            return
        self._last_write = now
        self._progress |= {"done": done, "total": total, "unit": unit}
        self._write()

    def notice(self, text: str) -> None:
        """Show a line while the stage goes on; facts that must last belong into its result."""
        self._notices.append(text)
        self._write()

    def _write(self) -> None:
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
