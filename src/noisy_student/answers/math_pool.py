"""Algebraic equality of LaTeX answers, decided in a worker process that can be killed.

Computer algebra (math-verify) on model output may take unbounded time or memory (a tower of powers), and big-integer
code ignores signals, so it runs in one worker that is killed at a limit and replaced. The limit counts CPU time, which
other programs on the machine do not lengthen, with a wall-time limit behind it. Undecided pairs are unknown, treated
as not equal, and counted. The worker is spawned, never forked, so that it inherits no threads of torch; it starts with
the first comparison and ends with this process.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import logging
import math
import multiprocessing
import resource
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from noisy_student.errors import UserError

if TYPE_CHECKING:
    from pebble import ProcessPool

EXTRA = ("math_verify", "pebble")
CPU_SECONDS = 3
"""CPU limit of one comparison; ordinary ones take milliseconds."""
WALL_SECONDS = 20.0
"""Wall limit of one comparison that waits rather than computes; a busy machine may be several times slower."""
MEMORY_BYTES = 2 * 1024**3
"""Address space of the worker; sympy needs a tenth of it."""

_unknown = 0


def require_extra() -> None:
    """Raise UserError unless math-verify and pebble are installed."""
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"LaTeX answers need packages that are not installed: {', '.join(missing)}.",
            why="math-verify compares formulas, in a process pool of pebble.",
            do='In the clone: pip install -e ".[math]"; or read answers as numbers (answers = "number").',
            code="extra-missing",
        )


def equal(a: str, b: str) -> bool:
    """Return whether two answers are equal with either one as the reference; undecided counts as not equal.

    math-verify depends on the order, so both orders must hold. Raises UserError if the extra is not installed.
    """
    return _verdict(*sorted((a, b))) is True


def unknown() -> int:
    """Return the number of distinct undecided pairs in this process."""
    return _unknown


def since(before: int) -> dict[str, int]:
    """Return the ``undecided`` entry of a stage's summary: pairs since ``before``; empty if there are none."""
    return {"undecided": _unknown - before} if _unknown > before else {}


@functools.lru_cache(maxsize=1 << 16)
def _verdict(a: str, b: str) -> bool | None:
    global _unknown
    require_extra()
    from pebble import ProcessExpired

    future: Future[bool | None] = _pool().schedule(_compare, args=(a, b), timeout=WALL_SECONDS)
    try:
        verdict = future.result()
    except (TimeoutError, ProcessExpired):
        verdict = None
    _unknown += verdict is None
    return verdict


@functools.cache
def _pool() -> ProcessPool:
    from pebble import ProcessPool

    pool = ProcessPool(max_workers=1, initializer=_start, context=multiprocessing.get_context("spawn"))
    atexit.register(_close, pool)
    return pool


def _close(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _start() -> None:
    """Set the worker's limits and import math-verify before the first comparison is timed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    logging.disable(logging.CRITICAL)
    importlib.import_module("math_verify")


def _compare(a: str, b: str) -> bool | None:
    """Return math-verify's verdict in both orders, in the worker; None if it ran out of memory or failed."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    # The system refuses a soft limit above the hard one; the hard limit then applies.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + CPU_SECONDS, hard))
    from math_verify import parse, verify

    try:
        # math-verify reads LaTeX between dollar signs.
        dressed = (text if text.startswith("$") else f"${text}$" for text in (a, b))
        one, other = (parse(text, parsing_timeout=None) for text in dressed)
        if not one or not other:
            return False
        return all(
            verify(gold, answer, timeout_seconds=None, raise_on_error=True)
            for gold, answer in ((one, other), (other, one))
        )
    except (Exception, RecursionError):
        return None
