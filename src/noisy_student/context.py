"""Context of a running stage: its folder, its progress report, and ``check()``, which stops it.

Every long loop calls ``check()``, the only place that tests the deadline and signals.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from noisy_student.errors import Interrupted, Paused

Spec = Mapping[str, Any]
"""Settings of one stage, with its seed and paths."""
Inputs = Mapping[str, Sequence[Path]]
"""Data folders that a stage reads, by role."""

_STOP: dict[str, int | None] = {"signal": None}


class Context:
    """Working folder (kept across a pause, so that work continues), progress and deadline of one stage."""

    def __init__(self, folder: Path, *, deadline: float | None = None) -> None:
        """``deadline`` is a time.time() after which ``check()`` raises Paused; None means no deadline."""
        self.folder = folder
        self.deadline = deadline
        self._last_write = 0.0
        self._notices: list[str] = []
        self._progress: dict[str, Any] = {"done": 0, "total": 0, "unit": "", "pid": os.getpid()}

    @property
    def data(self) -> Path:
        """Return the folder of the output: all of it is committed and reproducible byte for byte."""
        return self._made("data")

    @property
    def scratch(self) -> Path:
        """Return the folder of partial work that a resumed stage reads and a finished one deletes."""
        return self._made("scratch")

    @property
    def curves(self) -> Path:
        """Return the folder of output that differs between runs, such as seconds; it is in no digest."""
        return self._made("curves")

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def check(self, ahead: float = 0.0) -> None:
        """Raise Interrupted after a signal and Paused at the deadline; call it in every long loop.

        ``ahead`` is the time until the next call, in seconds.
        """
        if _STOP["signal"] is not None:
            raise Interrupted(signal.Signals(_STOP["signal"]).name)
        if self.deadline is not None and time.time() + ahead >= self.deadline:
            raise Paused

    def progress(self, done: float, total: float, unit: str = "") -> None:
        """Report progress to ``progress.json``, at most five times a second."""
        now = time.monotonic()
        if now - self._last_write < 0.2 and done < total:
            return
        self._last_write = now
        self._progress |= {"done": done, "total": total, "unit": unit}
        self._write()

    def notice(self, text: str) -> None:
        """Show a line to the user while the stage runs; permanent facts belong in the result."""
        self._notices.append(text)
        self._write()

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / ".progress.tmp"
        temporary.write_text(json.dumps({**self._progress, "notices": self._notices}))
        temporary.replace(self.folder / "progress.json")


@contextmanager
def stop_on_signals(notify: Callable[[str], None] | None = None) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Interrupted at the next ``check()``; a second signal stops at once."""

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
