"""How a result came to be: command, code, versions, machine, time and memory, as JSON for its manifest.

Nothing here enters a key. Only named environment variables are kept, and every text is cleared of secrets.
"""

from __future__ import annotations

import functools
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from noisy_student import identity
from noisy_student.redaction import redact
from noisy_student.study.node import version

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
"""The variables that may be stored: they change speed or results, and none holds a secret."""

LIBRARIES = ("noisy-student", "torch", "transformers", "trl", "peft", "accelerate", "safetensors", "numpy", "vllm")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in the life of this process: a time.time(), and the CPU seconds that it has used until then."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Moment:
        """This moment; CPU seconds are those of all threads, and of child processes that have ended."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.time(), time.process_time() + children.ru_utime + children.ru_stime)


def facts(started: Moment) -> dict[str, Any]:
    """What is known at the end of a stage that began at ``started`` in this process."""
    now = Moment.now()
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
        "peak_memory_bytes": _peak_memory(),
        **_torch(),
    }


def argv() -> list[str]:
    """The words of the command line, secrets in them redacted."""
    return [redact(word) for word in sys.argv]


def _peak_memory() -> int:
    """The largest memory this process has held since it began, of which the stage is a part."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _torch() -> dict[str, Any]:
    """Threads and device, asked only of a torch that the stage itself has imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {"torch_threads": None, "device": None}
    cuda = torch.cuda.is_initialized()
    return {
        "torch_threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if cuda else platform.machine(),
    }


@functools.cache
def libraries() -> dict[str, str]:
    """The installed versions of the libraries that results may depend on."""
    known = {name: version(name) for name in LIBRARIES}
    return {name: number for name, number in known.items() if number is not None}


@functools.cache
def _git() -> dict[str, Any] | None:
    """The commit of this package's own files; None if they are not under git."""
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
