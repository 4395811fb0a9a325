"""A child process that renders chat templates with transformers' own renderer, inside limits of time and memory.

A template is a program from elsewhere. The sandbox blocks files and attributes, but not nested loops, powers or texts
that double, which nothing inside our own process could stop. Each rendering happens in a fork of the child, and its
text is the one that prompts are made of. The child imports nothing of this package; it ends when its input closes.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

CPU_SECONDS = 3
"""A hundred times the need of the slowest known template."""
WALL_SECONDS = 60
MEMORY = 512 * 2**20
"""Bytes beyond those that the child has in use before it renders."""
LONGEST = 1_000_000
"""Characters made of one short word."""

_LOCK = threading.Lock()
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the same order of sets in every process
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def rendered(request: str) -> Mapping[str, str]:
    """Return the ``text`` of a rendering, or its ``failure`` (the template's own error), or a ``fault`` of limits.

    ``request`` is a JSON object: template, turns, open_answer, variables, and the instant (ISO 8601) of the clock.
    """
    with _LOCK:
        # A second child takes the place of one that was killed, as by a system without memory.
        line = _line(request) or _line(request)
    answer: dict[str, str] = json.loads(line or '{"fault": "breaks the process that renders it"}')
    return answer


def _line(request: str) -> str:
    """Return the child's answer; empty if the child is gone, and the next call starts another."""
    child = _child(os.getpid())
    assert child.stdin is not None and child.stdout is not None
    line = ""
    try:
        with suppress(BrokenPipeError):
            child.stdin.write(f"{request}\n")
            child.stdin.flush()
            line = child.stdout.readline()
    finally:
        if not line.endswith("\n"):
            # After an interrupt, its next line would be the answer to this request.
            child.kill()
            _child.cache_clear()
    return line


@functools.cache
def _child(owner: int) -> subprocess.Popen[str]:
    """Start the child of the process ``owner``: a fork of ours must not share the pipes."""
    child = subprocess.Popen(
        # -P: the folder of this file holds modules that are named like libraries.
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_ENVIRONMENT},
        encoding="utf-8",
        # Ctrl-C reaches our process, which then closes the child's input.
        start_new_session=True,
    )
    atexit.register(_stop, child, owner)
    return child


def _stop(child: subprocess.Popen[str], owner: int) -> None:
    if os.getpid() == owner:
        child.kill()
        child.communicate()


def _limit() -> None:
    """Limit this fork; without a handler, each of the signals ends it."""
    import resource
    import signal

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    signal.alarm(WALL_SECONDS)
    if sys.platform != "darwin":  # macOS refuses a limit on addresses
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))


def _render(request: dict[str, Any]) -> dict[str, str]:
    import random
    from datetime import datetime
    from types import SimpleNamespace

    from transformers.utils import chat_template_utils

    instant = datetime.fromisoformat(request["instant"])

    # transformers' ``strftime_now`` reads this clock, which stands still.
    vars(chat_template_utils)["datetime"] = SimpleNamespace(now=lambda: instant)
    # Jinja's ``random`` filter and ``lipsum`` draw from the global generator; seeds.py belongs to the package.
    random.seed(0)  # noqa: TID251
    _limit()
    try:
        made: Any = chat_template_utils.render_jinja_template(
            [request["turns"]],
            chat_template=request["template"],
            add_generation_prompt=request["open_answer"],
            date_string=instant.strftime("%d %b %Y"),
            **request["variables"],
        )
    except MemoryError:
        return {"fault": f"needs more than {MEMORY // 2**20} MB"}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"[:500].rstrip(".")}
    (text,), _ = made
    if len(text) > LONGEST:
        return {"fault": f"makes {len(text):,} characters of one word"}
    return {"text": text}


def _answer(line: str) -> bytes:
    """Render in a fork; return its answer as JSON, or the limit that ended it."""
    reading, writing = os.pipe()
    fork = os.fork()
    if not fork:
        # Whatever happens, the fork must not go on as a second child.
        try:
            with os.fdopen(writing, "wb") as file:
                file.write(json.dumps(_render(json.loads(line))).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    _, status = os.waitpid(fork, 0)
    if not status:
        return answer
    seconds = WALL_SECONDS if os.WIFSIGNALED(status) and os.WTERMSIG(status) == 14 else CPU_SECONDS
    fault = f"takes more than {seconds} seconds" if os.WIFSIGNALED(status) else "breaks the process that renders it"
    return json.dumps({"fault": fault}).encode()


def _main() -> None:
    import transformers.utils.chat_template_utils  # noqa: F401  # once, so that each fork has it

    for line in sys.stdin:
        sys.stdout.buffer.write(_answer(line) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
