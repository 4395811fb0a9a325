"""The run of one node under its lock: done, cached, skipped or failed, with the reason.

A stage's module has ``run(spec, inputs, context) -> summary``. It reads the ``data/`` folders of its inputs, writes
under ``context.data``, keeps partial work in ``context.scratch``, and returns JSON. Each attempt starts with an empty
``data/``; scratch survives a pause, a crash and one failure, and is dropped after the second as a possible cause.
"""

from __future__ import annotations

import copy
import ctypes
import errno
import gc
import importlib
import os
import shutil
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from noisy_student.context import Context
from noisy_student.errors import Interrupted, NotTrainable, Paused, UserError
from noisy_student.pipeline import provenance
from noisy_student.pipeline.crash_points import crash_point
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.redaction import redact

PAUSED = "paused at the deadline"
INTERRUPTED = "interrupted"
_ATTEMPTS_THAT_SHARE_SCRATCH = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """End of a node in this run; ``left`` is unfinished without a failure of its own.

    ``ends_run`` marks a failure that every other node would meet too, such as a full disk.
    """

    kind: Literal["done", "cached", "skipped", "failed", "left"]
    reason: str | None = None
    ends_run: bool = False


def run_stage(store: Store, node: Node, *, deadline: float | None = None) -> Outcome:
    """Run a node whose inputs are done, unless it is cached; raises Paused and Interrupted.

    An error of the stage is recorded as an attempt, outcome ``failed``; NotTrainable is a result, ``skipped``.
    """
    context = Context(store.work(node), deadline=deadline)
    with store.hold(node, context.check):
        found = store.verified(node)
        if found is not None:
            return Outcome("cached" if found.outcome == "done" else "skipped", found.reason)
        crash_point("after-lock")
        started = provenance.Moment.now()
        try:
            return _run_held(store, node, context, started=started)
        except (Paused, Interrupted):
            raise
        except Exception as error:
            return _fail(store, node, error, started=started)


def finish_stage(store: Store, node: Node, *, deadline: float | None = None) -> Outcome:
    """Run as ``run_stage``; a pause or an interruption is the outcome ``left``, an unusable store ``failed``."""
    return _settled(store, lambda: run_stage(store, node, deadline=deadline))


def skip_stage(store: Store, node: Node, reason: str, *, deadline: float | None = None) -> Outcome:
    """Commit the outcome ``skipped`` for a node with an unusable input."""

    def skip() -> Outcome:
        started = provenance.Moment.now()
        with store.hold(node, Context(store.work(node), deadline=deadline).check):
            if store.verified(node) is None:
                store.open_work(node)
                store.commit(node, summary={}, provenance=provenance.facts(started), skipped=reason)
        return Outcome("skipped", reason)

    return _settled(store, skip)


def record_death(store: Store, node: Node, message: str) -> Outcome:
    """Record an attempt and return the outcome ``failed`` for a node whose process died."""
    store.record_attempt(node, {**_circumstances(), "kind": "died", "message": message, "traceback": None})
    return Outcome("failed", message)


def _settled(store: Store, action: Callable[[], Outcome]) -> Outcome:
    try:
        return action()
    except Paused:
        return Outcome("left", PAUSED)
    except Interrupted:
        return Outcome("left", INTERRUPTED)
    except OSError as error:
        return Outcome("failed", f"the store {store.root} cannot be used: {error}", ends_run=True)


def _run_held(store: Store, node: Node, context: Context, *, started: provenance.Moment) -> Outcome:
    context.check()
    store.open_work(node)
    inputs = _inputs(store, node)
    # The first node of a stage in a process takes seconds to import libraries; the forecast must know.
    imported = node.module in sys.modules
    try:
        # A copy that the stage may change.
        spec = {**copy.deepcopy(dict(node.spec)), "paths": dict(node.paths)}
        spec |= {} if node.seed is None else {"seed": node.seed}
        summary = importlib.import_module(node.module).run(spec, inputs, context)
    except NotTrainable as error:
        shutil.rmtree(context.data)
        context.data.mkdir(exist_ok=True)
        store.commit(node, summary={}, provenance=provenance.facts(started), skipped=redact(str(error)))
        return Outcome("skipped", redact(str(error)))
    finally:
        # A trainer and its model refer to each other: uncollected, they would stay in memory beside the next stage's.
        gc.collect()
        # Freed memory goes back to the system, so that a trainer does not run beside a sampler's remains.
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
    if not isinstance(summary, dict):
        raise TypeError(f"the stage {node.stage} returned {type(summary).__name__}, not a summary")
    store.commit(node, summary=summary, provenance={**provenance.facts(started), "imported": imported})
    return Outcome("done")


def _inputs(store: Store, node: Node) -> dict[str, list[Path]]:
    """Return the folders by role, without skipped nodes in optional roles."""
    found: dict[str, list[Path]] = {}
    for role, parents in node.inputs.items():
        optional = role.startswith(node.optional)
        kept = [parent for parent in parents if not optional or store.outcome(parent) != "skipped"]
        if kept or not parents:
            found[role] = [store.data(parent) for parent in kept]
    return found


def _fail(store: Store, node: Node, error: Exception, *, started: provenance.Moment) -> Outcome:
    ours = not isinstance(error, UserError)
    full = _is_full_disk(error)
    message = redact(f"{type(error).__name__}: {error}" if ours else str(error))
    if full:
        free = shutil.disk_usage(store.root).free / 1e6
        message = f"The disk of {store.root} is full ({free:,.1f} MB are free): {message.removesuffix('.')}."
    trace = redact("".join(traceback.format_exception(error))) if ours else None
    attempt = {
        **_circumstances(),
        "kind": "fault" if ours else "user",
        "message": message,
        "traceback": trace,
        "seconds": time.time() - started.wall,
    }
    # A full disk must not hide the error that it caused.
    with suppress(OSError):
        if store.record_attempt(node, attempt) >= _ATTEMPTS_THAT_SHARE_SCRATCH:
            shutil.rmtree(store.work(node), ignore_errors=True)
    return Outcome("failed", message, ends_run=full)


def _is_full_disk(error: BaseException | None) -> bool:
    """Return whether an error, or one that it came from, is a full disk; libraries raise errors of their own for it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        if os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _circumstances() -> dict[str, Any]:
    return {"ended": time.time(), "host": socket.gethostname(), "pid": os.getpid()}
