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
import re
import resource
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

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

_DIGITS = 30
"""Digits of numeric comparisons."""
_POINTS = ((10, 23, 17, 31, 19), (11, 5, 29, 13, 37))
"""Numerators of the values that are put in for variables."""
_DECIMAL = re.compile(r"([0-9]{0,60})\.([0-9]{1,60})")
_NAME = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,40}(?![A-Za-z}])")
_COMPLEX = re.compile(r"(?<![A-Za-z\\])i(?![A-Za-z])")
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


def decide(a: str, b: str) -> bool | None:
    """Return whether two values in LaTeX are equal with either one as the reference; None, counted, if undecided.

    Not equal means a proof, by numbers put in for the variables. Raises UserError if the extra is not installed.
    """
    return _verdict(*sorted((a, b)))


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
    try:
        one, other = _parsed(a), _parsed(b)
        regions = [_region(value) for value in (one, other)]
        if None not in regions:
            return bool(regions[0] == regions[1])
        return True if _equal(one, other) and _equal(other, one) else False if _differ(one, other) else None
    except (Exception, RecursionError):
        return None


def _parsed(text: str) -> Any:
    """Parse LaTeX with exact decimals; a run of letters is one name, so that no anagram is an equal product."""
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy
    from sympy import I

    exact = _DECIMAL.sub(_exact, _NAME.sub(_as_symbol, text))
    is_real = not _COMPLEX.search(text)
    config = ConversionConfig(lowercase_symbols=False, interpret_as_mixed_fractions=False)
    parsed = latex2sympy(exact, is_real=is_real, normalization_config=None, conversion_config=config)
    units = [symbol for symbol in parsed.free_symbols if symbol.name == "i"] if hasattr(parsed, "free_symbols") else []
    return parsed.subs(dict.fromkeys(units, I)) if units else parsed


def _region(value: Any) -> Any:
    """Return the solutions of an inequality in one variable, or a set as it is; None for anything else."""
    from sympy import Eq, Interval, Union
    from sympy.core.relational import Relational

    if isinstance(value, Relational) and not isinstance(value, Eq) and len(value.free_symbols) == 1:
        return value.as_set()
    return value if isinstance(value, Interval | Union) else None


def _exact(match: re.Match[str]) -> str:
    whole, part = match[1], match[2]
    return f"\\frac{{{int(whole + part)}}}{{{10 ** len(part)}}}"


def _as_symbol(match: re.Match[str]) -> str:
    return "w_{" + "".join(f"{ord(letter):03d}" for letter in match[0]) + "}"


def _equal(gold: Any, answer: Any) -> bool:
    from math_verify import verify

    return bool(
        verify(
            gold,
            answer,
            numeric_precision=_DIGITS,
            allow_set_relation_comp=True,
            timeout_seconds=None,
            raise_on_error=True,
        )
    )


def _differ(one: Any, other: Any) -> bool:
    """Return whether two values differ at some point, or a point solves one equation only."""
    from sympy import Eq, Expr

    if isinstance(one, Eq) and isinstance(other, Eq):
        return _solve_one(one, other) or _solve_one(other, one)
    if not (isinstance(one, Expr) and isinstance(other, Expr)):
        return False
    return any(_is_far((one - other).subs(point)) for point in _points(one, other))


def _solve_one(one: Any, other: Any) -> bool:
    """Return whether a real solution of the first equation is none of the second; False unless both are polynomials."""
    for point in _points(one, other):
        symbol, *_ = (*sorted(one.free_symbols & other.free_symbols, key=str), None)
        if symbol is None:
            return False
        fixed = {name: value for name, value in point.items() if name != symbol}
        left, right = ((equation.lhs - equation.rhs).subs(fixed) for equation in (one, other))
        if not left.is_polynomial(symbol) or not right.is_polynomial(symbol) or not left.has(symbol):
            return False
        roots = [root for root in left.as_poly(symbol).nroots(n=_DIGITS) if root.is_real]
        if any(_is_far(right.subs(symbol, root)) for root in roots):
            return True
    return False


def _points(one: Any, other: Any) -> Iterator[dict[Any, Any]]:
    from sympy import Rational

    symbols = sorted(one.free_symbols | other.free_symbols, key=str)
    for numerators in _POINTS:
        yield {symbol: Rational(numerators[k % len(numerators)], 7 + k) for k, symbol in enumerate(symbols)}


def _is_far(value: Any) -> bool:
    """Return whether a value is a number other than zero."""
    number = value.evalf(_DIGITS, chop=True)
    return bool(number.is_number and number.is_finite and abs(number) > 10 ** (-_DIGITS // 2))
