"""Progress of a run on standard error: a live display on a terminal, a plain line every 10 s in a pipe.

The remaining time is estimated from the forecast, and without one from like nodes that have finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Event
from noisy_student.report.numbers import duration
from noisy_student.study.forecast.forecast import Expected
from noisy_student.study.forecast.history import lane
from noisy_student.study.plan.plan import Plan

SECONDS_BETWEEN_LINES = 10.0


class Eta:
    """Expected seconds per node: its forecast, else the mean over finished nodes of its lane, else None."""

    def __init__(self) -> None:
        self._forecast: dict[str, float] = {}
        self._learned: dict[str, tuple[float, float]] = {}

    def expect(self, rows: Iterable[Expected]) -> None:
        """Add a forecast."""
        self._forecast |= {row.node.key: row.seconds for row in rows if row.seconds is not None}

    def learn(self, node: Node, seconds: float) -> None:
        """Add the seconds that a finished node took."""
        units_before, seconds_before = self._learned.get(lane(node), (0.0, 0.0))
        self._learned[lane(node)] = units_before + units(node.stage, node.spec), seconds_before + seconds

    def seconds(self, node: Node) -> float | None:
        """Return the expected seconds of a node."""
        if node.key in self._forecast:
            return self._forecast[node.key]
        count, seconds = self._learned.get(lane(node), (0.0, 0.0))
        return seconds / count * units(node.stage, node.spec) if count else None


def units(stage: str, spec: Mapping[str, Any]) -> float:
    """Return the size of a node: its number of samples for sampling, else 1."""
    if stage != "sample" or "block" not in spec:
        return 1.0
    first, end = spec["block"]
    return float((end - first) * (spec["shard"]["end"] - spec["shard"]["first"]))


class Tally:
    """The finished share of a run, weighted by expected seconds where they are known."""

    def __init__(self, *, width: int, eta: Eta) -> None:
        self.nodes: list[Node] = []
        self.settled: set[str] = set()
        self._width = width
        self.eta = eta
        self._fractions: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def enter(self, event: Event, *, now: float) -> None:
        """Count one event; ``now`` is a time.time()."""
        key = event.node.key
        if event.kind == "started":
            self._started[key] = now
        elif event.kind == "progress":
            self._fractions[key] = event.fraction or 0.0
        elif event.kind not in {"left", "notice"}:
            self._fractions.pop(key, None)
            self.settled.add(key)
        if event.kind == "finished" and key in self._started:
            self.eta.learn(event.node, now - self._started[key])

    @property
    def done(self) -> int:
        """Return the number of settled nodes."""
        return sum(node.key in self.settled for node in self.nodes)

    def fraction(self) -> float:
        """Return the finished share of the expected work."""
        weights = self._weights()
        whole = sum(weights.values())
        left = sum(weight * self._left(key) for key, weight in weights.items())
        return 1 - left / whole if whole else 1.0

    def seconds_left(self) -> float | None:
        """Return the expected seconds until the end; None while the time of some open node is unknown."""
        known = [(self.eta.seconds(node), self._left(node.key)) for node in self.nodes]
        open_work = [(seconds, left) for seconds, left in known if left]
        if any(seconds is None for seconds, _ in open_work):
            return None
        return sum(seconds * left for seconds, left in open_work if seconds is not None) / self._width

    def _left(self, key: str) -> float:
        return 0.0 if key in self.settled else 1 - self._fractions.get(key, 0.0)

    def _weights(self) -> dict[str, float]:
        known = {node.key: self.eta.seconds(node) for node in self.nodes}
        measured = [seconds for seconds in known.values() if seconds is not None]
        usual = sum(measured) / len(measured) if measured else 1.0
        return {key: usual if seconds is None else seconds for key, seconds in known.items()}


class ProgressView:
    """Progress display of one run: a context manager whose methods are the callbacks of ``run``."""

    def __init__(self, console: Console, *, width: int, clock: Callable[[], float] = time.time) -> None:
        self.tally = Tally(width=width, eta=Eta())
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
        """Print how many steps are missing, and start the display with their forecast."""
        nodes = parents_first(planned.targets)
        self.tally.nodes = [row.node for row in expected]
        self.tally.eta.expect(expected)
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
        """Print a line from the store or a worker."""
        self._console.print(Text(text))

    def _is_new(self, reason: str) -> bool:
        """Return False for a reason printed before: nodes below a skipped one repeat its reason."""
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
