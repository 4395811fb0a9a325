"""Runs a graph: every node that its targets need and the store lacks, inputs first.

Takes target nodes, a store and an executor; returns a ``Result`` with one outcome per node. The runner only decides
what may start; the process that runs a node commits it. A failed or skipped node stops only its descendants.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from noisy_student.context import Context, stop_on_signals
from noisy_student.errors import Interrupted, Paused
from noisy_student.pipeline.attempt import INTERRUPTED, PAUSED, Outcome, skip_stage
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.schedule import priority
from noisy_student.pipeline.store import Store

_WAIT_SECONDS = 0.1
_PROGRESS_SECONDS = 0.25
_SKIPPED = " was skipped: "
_GOOD = frozenset({"done", "cached"})


@dataclass(frozen=True, slots=True)
class Event:
    """A change in a run, for display; ``fraction`` in [0, 1] or None if unknown."""

    kind: Literal["started", "progress", "notice", "finished", "cached", "skipped", "failed", "left"]
    node: Node
    fraction: float | None = None
    reason: str | None = None


Listener = Callable[[Event], None]
"""Called for one event at a time, sometimes from another thread than the run's."""


class Executor(Protocol):
    """Runs nodes; entered before the first ``start``, exited after the last ``wait``."""

    width: int
    """Number of nodes that may run at once."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        """Stop everything, at once after an error; nothing is left running."""

    def start(self, node: Node, *, deadline: float | None) -> None:
        """Begin a node whose inputs are done."""

    def wait(self, seconds: float) -> Sequence[tuple[str, Outcome]]:
        """Return keys and outcomes of finished nodes, waiting about this long if there are none."""

    def stop(self) -> None:
        """Ask all running nodes to stop at their next check."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of every visited node, by key, in the order of the graph."""

    nodes: Mapping[str, Node]
    outcomes: Mapping[str, Outcome]

    @property
    def status(self) -> Literal["done", "paused", "partial"]:
        """``done`` if no node failed or was left, ``paused`` if the deadline left some, else ``partial``."""
        if any(outcome.reason == PAUSED for outcome in self.outcomes.values()):
            return "paused"
        kinds = {outcome.kind for outcome in self.outcomes.values()}
        return "partial" if kinds & {"failed", "left"} else "done"


def run_graph(
    targets: Sequence[Node],
    store: Store,
    *,
    executor: Executor,
    deadline: float | None = None,
    on_event: Listener = lambda event: None,
) -> Result:
    """Compute every target into the store, if possible before ``deadline``, a time.time().

    Raises Interrupted after SIGINT or SIGTERM, once all running nodes have stopped. A second signal is a
    KeyboardInterrupt at once. Nodes that only cached targets need are not visited.
    """
    walk = _Walk(targets, store, on_event)
    gate = Context(store.root, deadline=deadline)
    stopped: str | None = None
    # Python lets only the main thread catch signals.
    in_main = threading.current_thread() is threading.main_thread()
    signals: AbstractContextManager[None] = stop_on_signals() if in_main else nullcontext()
    with signals, executor, _progress_sent(walk):
        while True:
            stopped = stopped or _stopped(gate, executor)
            if stopped is None:
                walk.advance(executor, deadline=deadline)
            if not walk.running:
                break
            for key, outcome in executor.wait(_WAIT_SECONDS):
                walk.settle(key, outcome)
                stopped = stopped or (outcome.reason if outcome.ends_run else None)
    walk.leave_the_rest(stopped)
    if stopped == INTERRUPTED:
        raise Interrupted(INTERRUPTED)
    return Result(nodes=walk.nodes, outcomes={key: walk.outcomes[key] for key in walk.nodes})


class _Walk:
    """State of a run: settled, running and waiting nodes."""

    def __init__(self, targets: Sequence[Node], store: Store, on_event: Listener) -> None:
        self.store = store
        self.outcomes: dict[str, Outcome] = {}
        self.running: dict[str, Node] = {}
        self._on_event = on_event
        self._one_at_a_time = threading.Lock()
        self.nodes = self._needed(targets)
        self._waiting = {key: node for key, node in self.nodes.items() if key not in self.outcomes}
        self._priority = priority(list(self._waiting.values()))

    def emit(self, event: Event) -> None:
        """Send an event to the listener, from any thread."""
        with self._one_at_a_time:
            self._on_event(event)

    def advance(self, executor: Executor, *, deadline: float | None) -> None:
        """Skip nodes that must be skipped and start nodes that may start; ``nodes`` is ordered, so one pass is enough.

        One worker goes condition by condition, so that a run cut short has complete ones; several begin with the nodes
        that most work waits for, so that none idles at the end.
        """
        for key, node in list(self._waiting.items()):
            reason = self._skip_reason(node)
            if reason is not None:
                del self._waiting[key]
                self.settle(key, skip_stage(self.store, node, reason, deadline=deadline))
        ready = [node for node in self._waiting.values() if self._ready(node)]
        if executor.width > 1:
            ready.sort(key=lambda node: -self._priority[node.key])
        for node in ready[: executor.width - len(self.running)]:
            del self._waiting[node.key]
            self.running[node.key] = node
            self.emit(Event("started", node, fraction=0.0))
            executor.start(node, deadline=deadline)

    def settle(self, key: str, outcome: Outcome) -> None:
        """Record a node's outcome and send its event."""
        node = self.nodes[key]
        self.running.pop(key, None)
        self.outcomes[key] = outcome
        if outcome.kind == "done":
            self.emit(Event("finished", node, fraction=1.0))
        else:
            self.emit(Event(outcome.kind, node, reason=outcome.reason))

    def leave_the_rest(self, stopped: str | None) -> None:
        """Settle nodes that never started, because of a failed input or a stopped run."""
        for key, node in self._waiting.items():
            blocked = next((parent for parent in node.parents if self._kind(parent) in {"failed", "left"}), None)
            reason = self.outcomes[blocked.key].reason if blocked else stopped
            if blocked and self._kind(blocked) == "failed":
                reason = f"{blocked.title} failed"
            self.settle(key, Outcome("left", reason))

    def _needed(self, targets: Sequence[Node]) -> dict[str, Node]:
        """Return the nodes to run and their cached inputs, inputs first."""
        missing: dict[str, bool] = {}
        waiting = list(targets)
        while waiting:
            node = waiting.pop()
            if node.key not in missing:
                missing[node.key] = not self._cached(node)
                if missing[node.key]:
                    waiting.extend(node.parents)
        return {node.key: node for node in parents_first(targets) if node.key in missing}

    def _cached(self, node: Node) -> bool:
        found = self.store.verified(node)
        if found is None:
            return False
        kind: Literal["cached", "skipped"] = "cached" if found.outcome == "done" else "skipped"
        self.outcomes[node.key] = Outcome(kind, found.reason)
        self.emit(Event(kind, node, reason=found.reason))
        return True

    def _ready(self, node: Node) -> bool:
        required = all(self._kind(parent) in _GOOD for parent in node.required)
        return required and all(self._kind(parent) in _GOOD | {"skipped"} for parent in node.parents)

    def _skip_reason(self, node: Node) -> str | None:
        """Return the first skipped input with its reason; the root of a chain of skips is named once."""
        for parent in node.required:
            if self._kind(parent) == "skipped":
                reason = self.outcomes[parent.key].reason or ""
                return reason if _SKIPPED in reason else f"{parent.title}{_SKIPPED}{reason}"
        return None

    def _kind(self, node: Node) -> str | None:
        outcome = self.outcomes.get(node.key)
        return outcome.kind if outcome else None


@contextmanager
def _progress_sent(walk: _Walk) -> Iterator[None]:
    """Read the progress of running stages in a thread and send new progress and notices to the listener."""
    end = threading.Event()

    def watch() -> None:
        said: dict[str, float] = {}
        sent: dict[str, int] = {}
        while not end.wait(_PROGRESS_SECONDS):
            for key, node in list(walk.running.items()):
                if (found := walk.store.progress(node)) is None:
                    continue
                for text in found.notices[sent.get(key, 0) :]:
                    walk.emit(Event("notice", node, reason=text))
                sent[key] = len(found.notices)
                if found.total > 0 and said.get(key) != found.done:
                    said[key] = found.done
                    walk.emit(Event("progress", node, fraction=min(1.0, found.done / found.total)))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _stopped(gate: Context, executor: Executor) -> str | None:
    try:
        gate.check()
    except Paused:
        return PAUSED
    except Interrupted:
        executor.stop()
        return INTERRUPTED
    return None
