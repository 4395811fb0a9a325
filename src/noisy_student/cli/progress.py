"""A run as it goes on, on standard error: a live display on a terminal, sparse plain lines in a pipe.

Events of the run come in. The end is estimated from the forecast, then from the pace of like nodes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from noisy_student.cli.pace import Pace
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Event
from noisy_student.report.numbers import duration
from noisy_student.study.forecast.forecast import Expected
from noisy_student.study.plan.plan import Plan

SECONDS_BETWEEN_LINES = 10.0


class Tally:
    """How much of a run is done, in expected seconds where they are known."""

    def __init__(self, *, width: int, pace: Pace) -> None:
        self.nodes: list[Node] = []
        self.settled: set[str] = set()
        self._width = width
        self.pace = pace
        self._fractions: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def enter(self, event: Event, *, now: float) -> None:
        """Take in one event; ``now`` is a time.time()."""
        key = event.node.key
        if event.kind == "started":
            self._started[key] = now
        elif event.kind == "progress":
            self._fractions[key] = event.fraction or 0.0
        elif event.kind not in {"left", "notice"}:
            self._fractions.pop(key, None)
            self.settled.add(key)
        if event.kind == "finished" and key in self._started:
            self.pace.learn(event.node, now - self._started[key])

    @property
    def done(self) -> int:
        """How many of the nodes are settled."""
        return sum(node.key in self.settled for node in self.nodes)

    def fraction(self) -> float:
        """The share of the expected work that is done."""
        weights = self._weights()
        whole = sum(weights.values())
        left = sum(weight * self._left(key) for key, weight in weights.items())
        return 1 - left / whole if whole else 1.0

    def seconds_left(self) -> float | None:
        """Expected seconds until the end; None while too little is known of the pace."""
        known = [(self.pace.seconds(node), self._left(node.key)) for node in self.nodes]
        open_work = [(seconds, left) for seconds, left in known if left]
        if any(seconds is None for seconds, _ in open_work):
            return None
        return sum(seconds * left for seconds, left in open_work if seconds is not None) / self._width

    def _left(self, key: str) -> float:
        return 0.0 if key in self.settled else 1 - self._fractions.get(key, 0.0)

    def _weights(self) -> dict[str, float]:
        known = {node.key: self.pace.seconds(node) for node in self.nodes}
        measured = [seconds for seconds in known.values() if seconds is not None]
        usual = sum(measured) / len(measured) if measured else 1.0
        return {key: usual if seconds is None else seconds for key, seconds in known.items()}


class ProgressView:
    """Shows a run; give it to ``run`` as ``on_plan`` and ``on_event`` and enter it around."""

    def __init__(self, console: Console, *, width: int, clock: Callable[[], float] = time.time) -> None:
        self.tally = Tally(width=width, pace=Pace())
        self._console = console
        self._clock = clock
        self._said = clock()
        self._reasons: list[str] = []
        self._lines: dict[str, TaskID] = {}
        self._total: TaskID | None = None
        self._live = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", markup=False, style="dim"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def on_plan(self, planned: Plan, expected: Sequence[Expected]) -> None:
        """Take in what the run consists of, and what its missing nodes are expected to take."""
        nodes = parents_first(planned.targets)
        self.tally.nodes = [row.node for row in expected]
        self.tally.pace.expect(expected)
        self._total = self._live.add_task("all", total=1.0, note="")
        self._console.print(Text(f"{len(self.tally.nodes)} of {len(nodes)} steps to compute{self._rest()}."))

    def on_event(self, event: Event) -> None:
        """Show one event."""
        self.tally.enter(event, now=self._clock())
        if event.kind in {"failed", "skipped"} and self._is_new(event.reason or ""):
            self._console.print(Text(f"{event.kind}: {event.node.title}: {event.reason}"), soft_wrap=True)
        if event.kind == "notice":
            self._console.print(Text(f"{_title(event.node)}: {event.reason}", "yellow"), soft_wrap=True)
        if self._console.is_terminal:
            self._draw(event)
        elif event.kind == "finished" and self._clock() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = self._clock()
            share = f"{100 * self.tally.fraction():.0f} %"
            self._console.print(Text(f"{self._count()}, {share}{self._rest()}: finished {_title(event.node)}"))

    def notice(self, text: str) -> None:
        """Show a line from the store or an executor."""
        self._console.print(Text(text))

    def _is_new(self, reason: str) -> bool:
        """What hangs below a skipped node repeats its reason, and several nodes may have the same."""
        known = any(reason.endswith(said) for said in self._reasons)
        self._reasons.append(reason)
        return not known

    def _draw(self, event: Event) -> None:
        key = event.node.key
        if event.kind == "started":
            self._lines[key] = self._live.add_task(_title(event.node), total=1.0, note="")
        elif event.kind == "progress" and key in self._lines:
            self._live.update(self._lines[key], completed=event.fraction)
        elif event.kind != "notice" and key in self._lines:
            self._live.remove_task(self._lines.pop(key))
        if self._total is not None:
            note = f"{self._count()}{self._rest()}"
            self._live.update(self._total, completed=self.tally.fraction(), note=note)

    def _count(self) -> str:
        return f"{self.tally.done} of {len(self.tally.nodes)} steps"

    def _rest(self) -> str:
        left = self.tally.seconds_left()
        return "" if left is None else f", about {duration(left)} left"


def _title(node: Node) -> str:
    return node.title if node.seed is None else f"{node.title} (seed {node.seed})"
