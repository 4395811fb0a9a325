"""Nodes on this machine: in this process one by one, or in worker processes several at once.

Workers are spawned, not forked, so that none inherits threads or an accelerator, and they live for many nodes, so that
torch is imported once in each. They are our own and not ``concurrent.futures``: there the death of one worker
breaks the pool and does not tell which node was at fault.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from noisy_student.pipeline.attempt import INTERRUPTED, Outcome, finish_stage, record_death
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.runner import Executor, Finished
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.worker_process import Job, Notice, Worker

_LIVES = 2
"""A node is tried in this many processes before a killed one counts as its failure."""


def local(store: Store, *, workers: int = 1) -> Executor:
    """The executor for so many nodes at once; one of them needs no second process."""
    if workers < 1:
        raise ValueError(f"{workers} workers can do nothing")
    return InProcess(store) if workers == 1 else Workers(store, workers)


class InProcess:
    """Runs each node here, when waited for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._job: Job | None = None

    @property
    def width(self) -> int:
        """One."""
        return 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def start(self, node: Node, *, deadline: float | None) -> None:
        """Take the node; ``wait`` runs it."""
        self._job = Job(node, deadline)

    def wait(self, seconds: float) -> Sequence[Finished]:
        """Run the node, however long it takes."""
        if self._job is None:
            return ()
        job, self._job = self._job, None
        return (Finished(job.node.key, finish_stage(self._store, job.node, deadline=job.deadline)),)

    def stop(self) -> None:
        """Nothing to do: the signal that asks for it is seen by the stage's own check."""


class Workers:
    """Runs up to ``width`` nodes at once, each in a worker process that commits for itself."""

    def __init__(self, store: Store, width: int) -> None:
        self._store = store
        self._width = width
        self._workers: list[Worker] = []
        self._deaths: dict[str, int] = {}
        self._stopping = False
        self._lifeline: tuple[Connection, Connection] | None = None

    @property
    def width(self) -> int:
        """How many nodes may run at once."""
        return self._width

    def __enter__(self) -> Self:
        # Spinning threads of one worker would starve the other; read by OpenMP when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._lifeline = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self._stopping = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        self._give(Job(node, deadline))

    def wait(self, seconds: float) -> Sequence[Finished]:
        """The nodes that workers have finished or failed to survive."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        finished = []
        for ready in connections.wait(list(busy), timeout=seconds):
            assert isinstance(ready, Connection)
            outcome = self._hear(busy[ready])
            if outcome is not None:
                finished.append(outcome)
        return finished

    def stop(self) -> None:
        """Cut the lifeline: every worker stops at its next check."""
        self._stopping = True
        assert self._lifeline is not None
        self._lifeline[1].close()

    def _give(self, job: Job) -> None:
        assert self._lifeline is not None
        worker = next((worker for worker in self._workers if worker.job is None), None)
        if worker is None:
            worker = Worker(self._store.root, self._lifeline[0])
            self._workers.append(worker)
        worker.give(job)

    def _hear(self, worker: Worker) -> Finished | None:
        job = worker.job
        assert job is not None
        said = worker.hear()
        if isinstance(said, Notice):
            self._store.notice(said.text)
            return None
        if said is None:
            return self._bury(worker, job, worker.last_words())
        if said.reason == INTERRUPTED and not self._stopping:
            return self._bury(worker, job, "The worker process got a signal to stop.")
        worker.job = None
        return Finished(job.node.key, said)

    def _bury(self, worker: Worker, job: Job, words: str) -> Finished | None:
        """Drop a useless worker; its node may have been committed, gets another process, or has failed."""
        key = job.node.key
        self._workers.remove(worker)
        worker.kill()
        found = self._store.manifest(job.node)
        if found is not None:
            return Finished(key, Outcome(found.outcome, found.reason))
        if self._stopping:
            return Finished(key, Outcome("left", INTERRUPTED))
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] < _LIVES:
            self._store.notice(f"{job.node.title}: {words} It is tried once more.")
            self._give(job)
            return None
        return Finished(key, record_death(self._store, job.node, words))
