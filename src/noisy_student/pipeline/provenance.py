"""Provenance of a result: command, code, versions, machine, time and memory, as JSON for its manifest.

Nothing here enters a key. Only named environment variables are stored, and secrets are redacted.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.pipeline.node import version
from noisy_student.redaction import redact

ENVIRONMENT = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "PYTHONHASHSEED",
    "SLURM_JOB_ID",
    "TOKENIZERS_PARALLELISM",
)
"""Stored variables: they change speed or results, and none holds a secret."""

LIBRARIES = ("noisy-student", "torch", "transformers", "trl", "peft", "accelerate", "safetensors", "numpy", "vllm")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, and the CPU seconds that this process has used until then."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Moment:
        """Return this moment; CPU seconds include all threads and ended child processes."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.time(), time.process_time() + children.ru_utime + children.ru_stime)


def facts(started: Moment) -> dict[str, Any]:
    """Return the provenance of a stage that began at ``started`` and ends now."""
    now = Moment.now()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "argv": argv(),
        "git": _git(),
        "versions": libraries(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "environment": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": started.wall,
        "ended": now.wall,
        "seconds": now.wall - started.wall,
        "cpu_seconds": now.cpu - started.cpu,
        # Of this process since its start; macOS counts in bytes, others in kilobytes.
        "peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
        **_torch(),
    }


def argv() -> list[str]:
    """Return the words of the command line, secrets redacted."""
    return [redact(word) for word in sys.argv]


def _torch() -> dict[str, Any]:
    """Return threads and device if the stage has imported torch."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {"torch_threads": None, "device": None}
    return {
        "torch_threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_initialized() else platform.machine(),
    }


@functools.cache
def libraries() -> dict[str, str]:
    """Return the installed versions of libraries that results may depend on."""
    return {name: number for name in LIBRARIES if (number := version(name)) is not None}


@functools.cache
def _git() -> dict[str, Any] | None:
    """Return the commit of this package's files; None if they are not under git."""
    if _ask_git("ls-files", "--error-unmatch", "identity.py") is None:
        return None
    changes = _ask_git("status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"commit": _ask_git("rev-parse", "HEAD"), "changed": bool(changes)}


def _ask_git(*words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(identity.ROOT), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


RANGES: dict[str, tuple[str, str | None]] = {
    "torch": ("2.10", None),  # CVE-2025-32434, CVE-2026-24747: weights_only ran code, corrupted memory
    "transformers": ("5.3", "6"),  # CVE-2026-4372, CVE-2026-5241: a config.json ran code from the hub
    "trl": ("1.16", "1.17"),  # its names and defaults move between versions (design section 5)
    "datasets": ("4", None),  # before it, a data set could bring a script
    "jinja2": ("3.1.6", None),  # CVE-2025-27516: a template left the sandbox
}
"""From the first version on, below the second."""


def require(installed: Callable[[str], str | None] = version) -> None:
    """Raise UserError unless every library of ``RANGES`` is installed in a version of its range."""
    for name in RANGES:
        if (fault := fault_of(name, installed(name))) is not None:
            raise UserError(
                f"{name} is {installed(name) or 'missing'}.",
                why="Older versions run code that comes with a model or a data set; later ones were not tested.",
                do=f"{fault} noisy-student doctor checks all libraries.",
                code="library-version",
            )


def fault_of(name: str, found: str | None) -> str | None:
    """Return the advice for a library's version; None if the version fits.

    >>> fault_of("torch", "2.13.0+cpu"), fault_of("trl", "2.0")
    (None, 'Install trl 1.16 or later, below 1.17.')
    """
    low, high = RANGES[name]
    if found is not None and numbers(low) <= numbers(found) and (high is None or numbers(found) < numbers(high)):
        return None
    return f"Install {name} {low} or later{f', below {high}' if high else ''}."


def numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version.

    >>> numbers("2.13.0+cpu"), numbers("5.3.0rc1") < numbers("5.10")
    ((2, 13, 0), True)
    """
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
