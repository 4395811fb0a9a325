"""Whether two LaTeX answers are equal by algebra, asked in a process that can be killed.

Computer algebra (math-verify) on what a model wrote may take for ever or all memory (a tower of powers), and code for
big integers hears no alarm; so it runs in one worker that dies at a limit and is replaced. The limit counts the
processor's time, which another program on the machine does not lengthen, with a limit of wall time behind it. What
could not be decided is "unknown", not equal, and counted. The worker is spawned, never forked, so that it inherits no
threads of torch; it starts with the first comparison and ends with this process.
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
from typing import TYPE_CHECKING, Any

from noisy_student.errors import UserError

if TYPE_CHECKING:
    from pebble import ProcessPool

EXTRA = ("math_verify", "pebble")
CPU_SECONDS = 3
"""Of one comparison; ordinary ones take milliseconds."""
WALL_SECONDS = 20.0
"""Of one comparison, where it waits rather than computes; a machine with other work may be several times slower."""
MEMORY_BYTES = 2 * 1024**3
"""Address space of the worker; sympy takes a tenth of it."""

_unknown = 0


def require_extra() -> None:
    """Raise UserError where math-verify and its pool are not installed."""
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"These answers are LaTeX, and this is not installed: {', '.join(missing)}.",
            why="Whether two formulas are equal is decided by math-verify, in a pool of pebble's.",
            do='pip install "noisy-student[math]"; or read the answers as numbers (answers = "number").',
        )


def equal(a: str, b: str) -> bool:
    """Whether two answers are equal whichever is taken for the truth; unknown counts as not equal.

    math-verify asks in one order, and both must hold. Raises UserError where the extra is not installed.
    """
    return _verdict(*sorted((a, b))) is True


def unknown() -> int:
    """How many different pairs this process has met that could not be decided."""
    return _unknown


def since(before: int) -> dict[str, int]:
    """What a stage's summary says of the pairs that were met and not decided since ``before``; nothing if none were."""
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
    """In the worker: its limits, and the import that no comparison should wait for."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    logging.disable(logging.CRITICAL)
    importlib.import_module("math_verify")


def _compare(a: str, b: str) -> bool | None:
    """In the worker: the verdict of math-verify in both orders, None where it ran out of memory or broke."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    # A soft limit above the hard one is refused; then that one holds.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + CPU_SECONDS, hard))
    from math_verify import parse, verify

    try:
        one, other = (parse(_dressed(text), parsing_timeout=None) for text in (a, b))
        if not one or not other:
            return False
        return all(
            verify(gold, answer, timeout_seconds=None, raise_on_error=True)
            for gold, answer in ((one, other), (other, one))
        )
    except (Exception, RecursionError):
        return None


def _dressed(canonical: str) -> Any:
    """A canonical answer as math-verify wants to read it: LaTeX between dollar signs."""
    return canonical if canonical.startswith("$") else f"${canonical}$"
