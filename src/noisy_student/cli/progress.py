"""Progress of a run on standard error: a live display on a terminal, plain lines in a pipe, at least every 30 s.

Steps of unknown time never count as done: the shown share only rises, and reaches 100 % when all steps are settled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Event
from noisy_student.report.numbers import duration
from noisy_student.report.wording import heading
from noisy_student.study.forecast.forecast import Expected
from noisy_student.study.forecast.history import lane
from noisy_student.study.forecast.workload import asked
from noisy_student.study.plan.plan import Plan

SECONDS_BETWEEN_LINES = 10.0
SECONDS_OF_SILENCE = 30.0
"""Longest time without a line in a pipe."""
MOST_SHOWN = 0.99
"""Share that an unfinished run shows at most."""
OVERDUE = 0.1
"""Share of its time so far that a step which takes longer than expected is expected to take further."""


class Tally:
    """The finished share of a run, weighted by expected seconds where they are known.

    A node is expected to take its forecast, else the mean over finished nodes of its lane.
    """

    def __init__(self, *, width: int) -> None:
        self.nodes: list[Node] = []
        self._width = width
        self._settled: set[str] = set()
        self._fractions: dict[str, float] = {}
        self._told: dict[str, float] = {}
        """When the fraction of a running node was reported last."""
        self._started: dict[str, float] = {}
        self._shown = 0.0
        self._forecast: dict[str, float] = {}
        self._learned: dict[str, tuple[float, float]] = {}

    def expect(self, rows: Iterable[Expected]) -> None:
        """Add a forecast."""
        self._forecast |= {row.node.key: row.seconds for row in rows if row.seconds is not None}

    def learn(self, node: Node, seconds: float) -> None:
        """Add the seconds that a finished node took."""
        units_before, seconds_before = self._learned.get(lane(node), (0.0, 0.0))
        self._learned[lane(node)] = units_before + _units(node), seconds_before + seconds

    def seconds(self, node: Node) -> float | None:
        """Return the expected seconds of a node; None where they are unknown."""
        if node.key in self._forecast:
            return self._forecast[node.key]
        count, seconds = self._learned.get(lane(node), (0.0, 0.0))
        return seconds / count * _units(node) if count else None

    def enter(self, event: Event, *, now: float) -> None:
        """Count one event; ``now`` is a time.time()."""
        key = event.node.key
        if event.kind == "started":
            self._started[key] = self._told[key] = now
        elif event.kind == "progress":
            self._fractions[key], self._told[key] = event.fraction or 0.0, now
        elif event.kind not in {"left", "notice"}:
            self._fractions.pop(key, None)
            self._settled.add(key)
        if event.kind == "finished" and key in self._started:
            self.learn(event.node, now - self._started[key])

    @property
    def done(self) -> int:
        """Return the number of settled nodes."""
        return sum(node.key in self._settled for node in self.nodes)

    def fraction(self) -> float:
        """Return the finished share of the expected work, which never falls and is below 1 until all is settled.

        While the time of an open node is unknown, it is at most the finished share of all nodes.
        """
        expected = {node.key: self.seconds(node) for node in self.nodes}
        known = [seconds for seconds in expected.values() if seconds is not None]
        usual = sum(known) / len(known) if known else 1.0
        weights = {key: usual if seconds is None else seconds for key, seconds in expected.items()}
        left = sum(weight * self._left(key) for key, weight in weights.items())
        whole = sum(weights.values())
        share = 1 - left / whole if whole else 1.0
        if self.unknown:
            share = min(share, 1 - sum(map(self._left, expected)) / len(expected))
        if any(map(self._left, expected)):
            share = min(share, MOST_SHOWN)
        self._shown = max(self._shown, share)
        return self._shown

    @property
    def unknown(self) -> int:
        """Return the number of open nodes whose time is unknown."""
        return sum(self._left(node.key) > 0 and self.seconds(node) is None for node in self.nodes)

    def seconds_left(self, now: float | None = None) -> float:
        """Return the expected seconds until the end at ``now``, of the open nodes whose time is known."""
        return sum(self._rest_of(node, now) for node in self.nodes if self._left(node.key)) / self._width

    def _rest_of(self, node: Node, now: float | None) -> float:
        seconds = self.seconds(node) or 0.0
        rest = seconds * self._left(node.key)
        told = self._told.get(node.key)
        if not seconds or now is None or told is None:
            return rest
        return max(rest - (now - told), OVERDUE * (now - self._started[node.key]))

    def _left(self, key: str) -> float:
        return 0.0 if key in self._settled else 1 - self._fractions.get(key, 0.0)


class _Rest(ProgressColumn):
    """The steps done and the time left, computed anew each second."""

    max_refresh = 1.0

    def __init__(self, words: Callable[[], str]) -> None:
        super().__init__()
        self._words = words

    def render(self, task: Task) -> Text:
        """Return the words of the line of all steps; other lines have none."""
        return Text(self._words() if task.fields.get("whole") else "", "dim")


class ProgressView:
    """Progress display of one run: a context manager whose methods are the callbacks of ``run``."""

    def __init__(self, console: Console, *, width: int, clock: Callable[[], float] = time.time) -> None:
        self.tally = Tally(width=width)
        self._console = console
        self._clock = clock
        self._said = self._began = clock()
        self._running: dict[str, str] = {}
        self._end = threading.Event()
        self._beat: threading.Thread | None = None
        self._reasons: list[str] = []
        self._lines: dict[str, TaskID] = {}
        self._total: TaskID | None = None
        self._live = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            _Rest(lambda: f"{self._count()}{self._rest()}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._live.start()
        if not self._console.is_terminal:
            self._beat = threading.Thread(target=self._break_silence, daemon=True)
            self._beat.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        if self._beat is not None:
            self._beat.join()
        self._live.stop()

    def _break_silence(self) -> None:
        while not self._end.wait(1.0):
            self.tick()

    def tick(self) -> None:
        """Print a line where nothing was printed for half a minute of a run."""
        now = self._clock()
        if self.tally.nodes and now - self._said >= SECONDS_OF_SILENCE:
            self._said = now
            what = f": {', '.join(list(self._running.values())[:2])}" if self._running else ""
            self.notice(f"{self._share()}, {duration(now - self._began)} elapsed{what}")

    def on_plan(self, planned: Plan, expected: Sequence[Expected]) -> None:
        """Print the run's facts and how many steps are missing, and start the display with their forecast."""
        self.notice(heading(planned.settings.facts))
        self.tally.nodes = [row.node for row in expected]
        nodes = {node.key for node in (*parents_first(planned.targets), *self.tally.nodes)}
        self.tally.expect(expected)
        self._begin(f"{len(self.tally.nodes)} of {len(nodes)} steps to compute{self._rest()}.")

    def on_nodes(self, nodes: Sequence[Node], line: str) -> None:
        """Print a line and start the display with these nodes, whose times are unknown."""
        self.tally.nodes = list(nodes)
        self._begin(line)

    def _begin(self, line: str) -> None:
        self._total = self._live.add_task("all", total=1.0, whole=True)
        self._began = self._clock()
        self.notice(line)

    def on_event(self, event: Event) -> None:
        """Show one event."""
        self.tally.enter(event, now=self._clock())
        if event.kind == "started":
            self._running[event.node.key] = _title(event.node)
        elif event.kind not in {"progress", "notice"}:
            self._running.pop(event.node.key, None)
        if event.kind in {"failed", "skipped"}:
            # Nodes below a skipped one repeat its reason.
            if not (event.reason or "").endswith(tuple(self._reasons)):
                self._console.print(Text(f"{event.kind}: {event.node.title}: {event.reason}"), soft_wrap=True)
            self._reasons.append(event.reason or "")
        if event.kind == "notice":
            self._console.print(Text(f"{_title(event.node)}: {event.reason}", "yellow"), soft_wrap=True)
        if self._console.is_terminal:
            self._draw(event)
        elif event.kind == "finished" and self._clock() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = self._clock()
            self.notice(f"{self._share()}: finished {_title(event.node)}")

    def notice(self, text: str) -> None:
        """Print a line from the store or a worker."""
        self._console.print(Text(text), soft_wrap=not self._console.is_terminal)

    def _draw(self, event: Event) -> None:
        key = event.node.key
        if event.kind == "started":
            self._lines[key] = self._live.add_task(_title(event.node), total=1.0)
        elif event.kind == "progress" and key in self._lines:
            self._live.update(self._lines[key], completed=event.fraction)
        elif event.kind != "notice" and key in self._lines:
            self._live.remove_task(self._lines.pop(key))
        if self._total is not None:
            self._live.update(self._total, completed=self.tally.fraction())

    def _count(self) -> str:
        return f"{self.tally.done} of {len(self.tally.nodes)} steps"

    def _share(self) -> str:
        return f"{self._count()}, {100 * self.tally.fraction():.0f} %{self._rest()}"

    def _rest(self) -> str:
        left, unknown = self.tally.seconds_left(self._clock()), self.tally.unknown
        if not unknown:
            return f", about {duration(left)} left"
        return f", at least {duration(left)} left ({unknown} steps of unknown time)" if left else ""


def _units(node: Node) -> float:
    """Return the size of a node: its number of samples for sampling, else 1."""
    return float(asked(node)) if node.stage == "sample" and "block" in node.spec else 1.0


def _title(node: Node) -> str:
    return node.title if node.seed is None else f"{node.title} (seed {node.seed})"
