"""A process that runs one node after another, and the handle by which its parent holds it.

It stops when its parent closes the lifeline, a pipe of which the parent holds the only writing end: so it ends with
a parent that was killed, too. It leads a process group of its own, so that a signal from the terminal reaches the
parent alone and the parent can end the worker with all that the worker started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from noisy_student.context import stop_on_signals
from noisy_student.pipeline.attempt import Outcome, finish_stage
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store

_GRACE_SECONDS = 60.0
"""How long a stage that does not check may outlive its parent."""
_FAREWELL_SECONDS = 5.0

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Job:
    """A node to run before the deadline, a time.time()."""

    node: Node
    deadline: float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for people, on its way to the parent."""

    text: str


class Worker:
    """One worker process, seen from its parent; ``job`` is what it is at, None when it is idle."""

    def __init__(self, root: Path, lifeline: Connection) -> None:
        self.connection, far_end = _SPAWN.Pipe()
        self.job: Job | None = None
        self._process = _SPAWN.Process(target=_serve, args=(root, far_end, lifeline), name="noisy-student worker")
        self._process.start()
        far_end.close()

    def give(self, job: Job) -> None:
        """Hand it a node; a worker that has just died is noticed at the next ``hear``."""
        self.job = job
        with suppress(OSError):
            self.connection.send(job)

    def hear(self) -> Notice | Outcome | None:
        """What it says next; None if it is dead."""
        try:
            said = self.connection.recv()
        except (EOFError, OSError):
            return None
        assert isinstance(said, Notice | Outcome)
        return said

    def last_words(self) -> str:
        """How it died, for a report."""
        self._process.join(_FAREWELL_SECONDS)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"The worker process was killed by {signal.Signals(-code).name}, perhaps for want of memory."
        return f"The worker process ended with code {code}."

    def close(self) -> None:
        """Let it end, and end it if it does not."""
        self.connection.close()
        self._process.join(_FAREWELL_SECONDS)
        if self._process.is_alive():
            self.kill()

    def kill(self) -> None:
        """End it at once, with every process it has started."""
        group = self._process.pid
        assert group is not None
        self._process.kill()
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
        self._process.join()
        self.connection.close()


def _serve(root: Path, connection: Connection, lifeline: Connection) -> None:
    os.setpgid(0, 0)
    store = Store(root, notice=lambda text: connection.send(Notice(text)))
    stopping = threading.Event()
    with stop_on_signals(notify=lambda name: stopping.set()):
        threading.Thread(target=_hold_on, args=(lifeline, stopping), daemon=True).start()
        with suppress(EOFError, OSError):
            while True:
                job = connection.recv()
                connection.send(finish_stage(store, job.node, deadline=job.deadline))


def _hold_on(lifeline: Connection, stopping: threading.Event) -> None:
    """Wait for the end of the lifeline, then make the next check raise; without a parent, end in the end."""
    with suppress(EOFError, OSError):
        lifeline.recv()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        time.sleep(_GRACE_SECONDS)
        os.killpg(0, signal.SIGKILL)
