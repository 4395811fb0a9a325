"""Execution of nodes on this machine: one by one in this process, or several at once in worker processes.

Workers are spawned, not forked, so that none inherits threads or an accelerator, and they run many nodes, so that
torch is imported once in each. They replace ``concurrent.futures``, where the death of one worker breaks the pool and
does not tell which node was at fault.

A worker stops when its parent closes the lifeline, a pipe whose only writing end the parent holds: so it ends with
a killed parent, too. It leads a process group of its own: a signal from the terminal reaches the parent alone, and
the parent can end the worker with all processes that the worker started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from noisy_student.context import stop_on_signals
from noisy_student.errors import UserError
from noisy_student.pipeline.attempt import INTERRUPTED, Outcome, finish_stage, record_death
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.runner import Executor
from noisy_student.pipeline.store import Store

_GRACE_SECONDS = 60.0
"""Seconds that a stage which does not check may outlive its parent."""
_FAREWELL_SECONDS = 5.0
WORKER = "noisy-student worker"
"""Name of a worker process."""
GUARD_MISSING = 78
"""Exit code of a worker whose import of the user's script started another run; EX_CONFIG of sysexits.h."""
_SPAWN = multiprocessing.get_context("spawn")
Job = tuple[Node, float | None]
"""A node to run before the deadline, a time.time()."""
_LIVES = 2
"""Processes in which a node is tried before a killed one counts as its failure."""


def local(store: Store, *, workers: int = 1) -> Executor:
    """Return the executor for this many nodes at once; a single one needs no second process."""
    if workers < 1:
        raise ValueError(f"{workers} workers cannot run anything")
    return InProcess(store) if workers == 1 else Workers(store, workers)


class InProcess:
    """Runs each node in this process, inside ``wait``."""

    def __init__(self, store: Store) -> None:
        self.width = 1
        self._store = store
        self._jobs: list[Job] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        return None

    def start(self, node: Node, *, deadline: float | None) -> None:
        """Take the node; ``wait`` runs it."""
        self._jobs.append((node, deadline))

    def wait(self, seconds: float) -> Sequence[tuple[str, Outcome]]:
        """Run the node, however long it takes."""
        jobs, self._jobs = self._jobs, []
        return [(node.key, finish_stage(self._store, node, deadline=deadline)) for node, deadline in jobs]

    def stop(self) -> None:
        """Do nothing: the stage's own check sees the signal."""


class Workers:
    """Runs up to ``width`` nodes at once, each in a worker process that commits for itself."""

    def __init__(self, store: Store, width: int) -> None:
        self.width = width
        self._store = store
        self._workers: list[Worker] = []
        self._deaths: dict[str, int] = {}
        self._stopping = False
        self._lifeline: tuple[Connection, Connection] | None = None

    def __enter__(self) -> Self:
        # Spinning threads of one worker would starve the other; read by OpenMP when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._lifeline = _SPAWN.Pipe(duplex=False)
        self._stopping = False
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        for worker in self._workers:
            if kind is None:
                worker.close()
            else:
                worker.kill()
        self._workers.clear()
        for end in self._lifeline or ():
            end.close()
        self._lifeline = None

    def start(self, node: Node, *, deadline: float | None) -> None:
        """Give the node to an idle worker, or to a new one."""
        assert self._lifeline is not None
        worker = next((worker for worker in self._workers if worker.job is None), None)
        if worker is None:
            worker = Worker(self._store.root, self._lifeline[0])
            self._workers.append(worker)
        worker.give((node, deadline))

    def wait(self, seconds: float) -> Sequence[tuple[str, Outcome]]:
        """Return nodes that workers finished or died of."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        heard = [self._hear(busy[ready]) for ready in connections.wait(list(busy), timeout=seconds)]  # type: ignore[index]
        return [finished for finished in heard if finished is not None]

    def stop(self) -> None:
        """Cut the lifeline: every worker stops at its next check."""
        self._stopping = True
        assert self._lifeline is not None
        self._lifeline[1].close()

    def _hear(self, worker: Worker) -> tuple[str, Outcome] | None:
        job = worker.job
        assert job is not None
        said = worker.hear()
        if isinstance(said, str):
            # Several workers may wait for the same process.
            self._store.notice_once(said)
            return None
        if said is None:
            words = worker.last_words()
            if worker.exitcode == GUARD_MISSING:
                raise UserError(
                    "The script calls noisy_student.run outside of a main guard.",
                    why="Each worker process imports the script, and so would start another run.",
                    do='Put the call under: if __name__ == "__main__":',
                    code="main-guard-missing",
                )
            return self._bury(worker, job, words)
        if said.reason == INTERRUPTED and not self._stopping:
            return self._bury(worker, job, "The worker process got a signal to stop.")
        worker.job = None
        return job[0].key, said

    def _bury(self, worker: Worker, job: Job, words: str) -> tuple[str, Outcome] | None:
        """Drop a dead worker; its node is committed already, gets another process, or has failed."""
        node, deadline = job
        key = node.key
        self._workers.remove(worker)
        worker.kill()
        found = self._store.manifest(node)
        if found is not None:
            return key, Outcome(found.outcome, found.reason)
        if self._stopping:
            return key, Outcome("left", INTERRUPTED)
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] < _LIVES:
            self._store.notice(f"{node.title}: {words} It is tried once more.")
            self.start(node, deadline=deadline)
            return None
        return key, record_death(self._store, node, words)


class Worker:
    """Handle of one worker process; ``job`` is None while it is idle."""

    def __init__(self, root: Path, lifeline: Connection) -> None:
        self.connection, far_end = _SPAWN.Pipe()
        self.job: Job | None = None
        self._process = _SPAWN.Process(target=_serve, args=(root, far_end, lifeline), name=WORKER)
        self._process.start()
        far_end.close()

    def give(self, job: Job) -> None:
        """Send it a node; ``hear`` reports a worker that has just died."""
        self.job = job
        with suppress(OSError):
            self.connection.send(job)

    def hear(self) -> str | Outcome | None:
        """Return its next message: a notice to the user, or the outcome of its node; None if it is dead."""
        try:
            said = self.connection.recv()
        except (EOFError, OSError):
            return None
        assert isinstance(said, str | Outcome)
        return said

    @property
    def exitcode(self) -> int | None:
        """Return how the process ended; None while it runs."""
        return self._process.exitcode

    def last_words(self) -> str:
        """Return how it died, for a report."""
        self._process.join(_FAREWELL_SECONDS)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"The worker process was killed by {signal.Signals(-code).name}, perhaps for lack of memory."
        return f"The worker process ended with code {code}."

    def close(self) -> None:
        """Let it end, and kill it if it does not."""
        self.connection.close()
        self._process.join(_FAREWELL_SECONDS)
        if self._process.is_alive():
            self.kill()

    def kill(self) -> None:
        """Kill it with every process it has started."""
        group = self._process.pid
        assert group is not None
        self._process.kill()
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
        self._process.join()
        self.connection.close()


def _serve(root: Path, connection: Connection, lifeline: Connection) -> None:
    os.setpgid(0, 0)
    store = Store(root, notice=connection.send, run=os.getppid())
    stopping = threading.Event()
    with stop_on_signals(notify=lambda name: stopping.set()):
        threading.Thread(target=_hold_on, args=(lifeline, stopping), daemon=True).start()
        with suppress(EOFError, OSError):
            while True:
                node, deadline = connection.recv()
                connection.send(finish_stage(store, node, deadline=deadline))


def _hold_on(lifeline: Connection, stopping: threading.Event) -> None:
    """Wait for the end of the lifeline, then make the next check raise; after the parent's end, exit."""
    with suppress(EOFError, OSError):
        lifeline.recv()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        time.sleep(_GRACE_SECONDS)
        os.killpg(0, signal.SIGKILL)
