"""A trial of a chat template in a process that may be killed, before it is rendered in ours.

A template is a program from elsewhere. The sandbox blocks files and attributes, but not nested loops, powers or texts
that double, which nothing inside this process could stop. The child imports nothing of this package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

CPU_SECONDS = 3
"""A hundred times the need of the slowest known template."""
WALL_SECONDS = 60
MEMORY = 512 * 2**20
LONGEST = 1_000_000
"""Characters made of one short word."""


def fault(template: str, turns: list[dict[str, str]], variables: dict[str, Any]) -> str | None:
    """Return the fault of a template that exceeds these limits; None if it renders, or fails by itself."""
    request = json.dumps({"template": template, "turns": turns, "variables": variables})
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=request, capture_output=True, text=True, timeout=WALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {WALL_SECONDS} seconds"
    if done.returncode < 0:
        return f"takes more than {CPU_SECONDS} seconds"
    if done.returncode:
        return "breaks the process that tries it"
    return done.stdout or None


def _render(template: str, turns: list[dict[str, str]], variables: dict[str, Any]) -> str:
    """Render as transformers does, with stand-ins for its filters and globals."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda value, **more: json.dumps(value)
    environment.globals |= {"raise_exception": str, "strftime_now": str}
    return environment.from_string(template).render(messages=turns, bos_token="", eos_token="", **variables)


def _main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    if sys.platform != "darwin":  # macOS refuses a limit on addresses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    request = json.loads(sys.stdin.read())
    try:
        made = len(_render(**request))
    except MemoryError:
        print(f"needs more than {MEMORY // 2**20} MB", end="")
    except Exception:
        # Its own failure is reported by ``template.render``.
        return
    else:
        if made > LONGEST:
            print(f"makes {made:,} characters of one word", end="")


if __name__ == "__main__":
    _main()
