"""Consoles: results on standard output, with ``--json`` only JSON there; everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from noisy_student.report.clean import visible

Row = dict[str, Any]
"""A row of a printed table, as ``--json`` emits it."""


class Terminal(Console):
    """A console that prints control characters as escapes, so texts from files cannot steer the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the segments of ``renderable``; only rich's own control codes stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


IN_PIPES = 160
"""Width of what goes into a pipe or a file, where no screen sets one: wide enough for every column."""


def output() -> Console:
    """Return the console of results."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Terminal(highlight=False, width=IN_PIPES if piped else None)


def aside(*, quiet: bool = False) -> Console:
    """Return the console of progress and remarks; a quiet one prints nothing."""
    return Terminal(stderr=True, highlight=False, quiet=quiet)


def emit(value: Any) -> None:
    """Print one JSON document to standard output; ASCII, since not every terminal is UTF-8."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Print a line to standard error, wrapped on a screen only."""
    console = aside()
    console.print(Text(text), soft_wrap=not console.is_terminal)


def say(*lines: str, style: str = "") -> None:
    """Print lines to standard output, unwrapped, so that paths and code can be copied."""
    for line in lines:
        output().print(Text(line, style), soft_wrap=True)


def note(text: str = "", style: str = "dim") -> None:
    """Print a paragraph to standard output, wrapped at the width of the console."""
    output().print(Text(text, style))


def table(columns: Sequence[str], lines: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table; columns in ``right`` hold numbers. Cells are plain text, never markup."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in columns:
        number = name in right
        drawn.add_column(Text(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for line in lines:
        drawn.add_row(*map(Text, line))
    output().print(drawn)


def date(seconds: float) -> str:
    """Return a ``time.time()`` as local date and minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


@contextlib.contextmanager
def only_json() -> Iterator[None]:
    """Redirect the standard output of this process, its libraries and its children to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
