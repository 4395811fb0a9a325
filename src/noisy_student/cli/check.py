"""The doctor's checks: each looks at one thing and says what it found and, if that is bad, what to do.

Nothing is imported to be looked at: versions come from metadata, an accelerator from the system or a child process.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from noisy_student.errors import UserError
from noisy_student.models import lab
from noisy_student.pipeline.node import version
from noisy_student.pipeline.provenance import RANGES, fault_of
from noisy_student.study.settings.files import names

PRESENT = ("accelerate", "safetensors", "numpy", "scipy", "pydantic", "matplotlib", "filelock")
GIB = 2**30
LEAST_MEMORY, LEAST_DISK = 2 * GIB, 1 * GIB
"""Two workers with torch hold about 1 GiB together; a lab study leaves some hundred MB in the store."""
SECONDS_TO_ANSWER = 120
_ASK_TORCH = (
    "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available()"
    " else 'mps' if torch.backends.mps.is_available() else '')"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``note`` is neither good nor bad."""

    name: str
    state: Literal["good", "note", "bad"]
    found: str
    do: str = ""


def installation() -> Iterator[Check]:
    """Python, libraries, shipped weights."""
    fresh = sys.version_info >= (3, 11)
    yield Check("python", "good" if fresh else "bad", platform.python_version(), "" if fresh else "Use 3.11 or later.")
    for name in RANGES:
        found, do = version(name), fault_of(name, version(name))
        yield Check(name, "good" if do is None else "bad", found or "missing", do or "")
    missing = [name for name in PRESENT if version(name) is None]
    yield Check(
        "other libraries",
        "bad" if missing else "good",
        f"missing: {', '.join(missing)}" if missing else f"all {len(PRESENT)}",
        "Install noisy-student again." if missing else "",
    )
    for name in lab.names() or ("lab-m",):
        yield _weights(name)


def machine(store: Path, *, ask: Literal["system", "torch"]) -> Iterator[Check]:
    """Cores, memory, disk, the store, an accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", "good", str(cores))
    free = memory_free()
    if free is None:
        yield Check("memory free", "note", "not known")
    else:
        yield _amount("memory free", free, LEAST_MEMORY, "Close other programs, or set compute.workers=1.")
    place = next(path for path in (store.absolute(), *store.absolute().parents) if path.exists())
    yield _amount("disk free", shutil.disk_usage(place).free, LEAST_DISK, "Make room, or give another --store.")
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield Check(
        "store", "good" if writable else "bad", str(store), "" if writable else f"{place} cannot be written to."
    )
    yield _accelerator(ask)


def outlook(checks: Sequence[Check]) -> Iterator[Check]:
    """What will work here, from what was found."""
    bad = [check.name for check in checks if check.state == "bad"]
    gpu = any(check.name == "accelerator" and check.state == "good" for check in checks)
    needs = {"lab": True, "laptop": True, "gpu": gpu, "cluster": gpu}
    for scale in names("scales"):
        if bad:
            yield Check(f"--scale {scale}", "bad", f"not before this is mended: {', '.join(bad)}")
        elif needs.get(scale, True):
            yield Check(f"--scale {scale}", "good", "will work")
        else:
            yield Check(f"--scale {scale}", "note", "no accelerator was seen")


def memory_free() -> int | None:
    """Bytes of memory to be had, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kilobytes[0]) * 1024 if kilobytes else None


def _weights(name: str) -> Check:
    try:
        lab.folder(name)
    except UserError as error:
        return Check(f"weights of {name}", "bad", error.what, error.do)
    return Check(f"weights of {name}", "good", "intact")


def _amount(name: str, amount: int, least: int, do: str) -> Check:
    enough = amount >= least
    return Check(name, "good" if enough else "bad", f"{amount / GIB:.1f} GiB", "" if enough else do)


def _accelerator(ask: Literal["system", "torch"]) -> Check:
    if ask == "torch":
        found = _said([sys.executable, "-c", _ASK_TORCH])
    elif shutil.which("nvidia-smi"):
        found = _said(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    else:
        found = "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else ""
    return (
        Check("accelerator", "good", ", ".join(found.splitlines())) if found else Check("accelerator", "note", "none")
    )


def _said(words: list[str]) -> str:
    """The output of a command; empty if it fails."""
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
