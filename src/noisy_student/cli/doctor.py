"""``doctor``: checks of the installation, the machine and plug-ins, each with what to do if it is bad.

No library is imported: versions come from metadata, an accelerator from the system or a child process.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from noisy_student.cli import USER_ERROR, options
from noisy_student.cli.console import emit, table
from noisy_student.errors import UserError
from noisy_student.labeling.select import SELECTIONS
from noisy_student.models import lab
from noisy_student.pipeline.node import STAGES, version
from noisy_student.pipeline.provenance import RANGES, fault_of
from noisy_student.registry import Registry
from noisy_student.report.sections import SECTIONS
from noisy_student.sampling.engines import ENGINES
from noisy_student.study.settings.files import names
from noisy_student.study.settings.methods import METHODS
from noisy_student.training.specs.rewards import REWARDS

MARKS = {"good": "✓", "note": "·", "bad": "✗"}
REGISTRIES: tuple[Registry[Any], ...] = (METHODS, STAGES, ENGINES, SELECTIONS, REWARDS, SECTIONS)
"""Every table that plug-ins can extend."""
PRESENT = ("accelerate", "safetensors", "numpy", "scipy", "pydantic", "matplotlib", "filelock")
GIB = 2**30
LEAST_MEMORY, LEAST_DISK = 2 * GIB, 1 * GIB
"""Two workers with torch use about 1 GiB together; a lab study stores a few hundred MB."""
SECONDS_TO_ANSWER = 120
NEED_GPU = ("gpu", "cluster")
_ASK_TORCH = (
    "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available()"
    " else 'mps' if torch.backends.mps.is_available() else '')"
)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``note`` is neither good nor bad."""

    name: str
    state: Literal["good", "note", "bad"]
    found: str
    do: str = ""


def command(
    store: options.StoreFolder = options.STORE,
    deep: Annotated[bool, typer.Option("--deep", help="Also import torch to find an accelerator.")] = False,
    json: options.Json = False,
) -> None:
    """Check this machine and list what will work here; the exit code is 1 if something needed is missing."""
    checks = [*installation(), *machine(store, ask="torch" if deep else "system")]
    checks += [*outlook(checks), *plugins(REGISTRIES)]
    if json:
        emit({"schema": 1, "checks": [asdict(check) for check in checks]})
    else:
        lines = [[MARKS[check.state], check.name, check.found, check.do] for check in checks]
        table(["", "What", "Found", "To do"], lines)
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(USER_ERROR)


def installation() -> Iterator[Check]:
    """Check Python, libraries and the weights of lab models."""
    yield _needed("python", sys.version_info >= (3, 11), platform.python_version(), "Use 3.11 or later.")
    for name in RANGES:
        fault = fault_of(name, version(name))
        yield _needed(name, fault is None, version(name) or "missing", fault or "")
    missing = [name for name in PRESENT if version(name) is None]
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(PRESENT)}"
    yield _needed("other libraries", not missing, found, "Install noisy-student again.")
    for name in lab.names() or ("lab-m",):
        try:
            lab.folder(name)
        except UserError as error:
            yield Check(f"weights of {name}", "bad", error.what, error.do)
        else:
            yield Check(f"weights of {name}", "good", "intact")


def machine(store: Path, *, ask: Literal["system", "torch"]) -> Iterator[Check]:
    """Check cores, memory, disk, the store and the accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", "good", str(cores))
    free = memory_free()
    if free is None:
        yield Check("memory free", "note", "unknown")
    else:
        do = "Close other programs, or set compute.workers=1."
        yield _needed("memory free", free >= LEAST_MEMORY, f"{free / GIB:.1f} GiB", do)
    place = next(path for path in (store.absolute(), *store.absolute().parents) if path.exists())
    disk = shutil.disk_usage(place).free
    yield _needed("disk free", disk >= LEAST_DISK, f"{disk / GIB:.1f} GiB", "Make room, or give another --store.")
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield _needed("store", writable, str(store), f"{place} cannot be written to.")
    yield _accelerator(ask)


def outlook(checks: Sequence[Check]) -> Iterator[Check]:
    """Check that each scale will work here, given the other checks."""
    bad = [check.name for check in checks if check.state == "bad"]
    gpu = any(check.name == "accelerator" and check.state == "good" for check in checks)
    for scale in names("scales"):
        if bad:
            yield Check(f"--scale {scale}", "bad", f"fix first: {', '.join(bad)}")
        elif gpu or scale not in NEED_GPU:
            yield Check(f"--scale {scale}", "good", "will work")
        else:
            yield Check(f"--scale {scale}", "note", "no accelerator found")


def plugins(tables: Sequence[Registry[Any]]) -> Iterator[Check]:
    """List plug-ins that failed to load; they stop only the studies that use them."""
    for registry in tables:
        for name, error in registry.failures.items():
            yield Check(f"{registry.kind} plug-in {name}", "bad", error.what, error.do)


def memory_free() -> int | None:
    """Return the bytes of available memory; None where the system does not report them."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _needed(name: str, good: bool, found: str, do: str) -> Check:
    return Check(name, "good", found) if good else Check(name, "bad", found, do)


def _accelerator(ask: Literal["system", "torch"]) -> Check:
    if ask == "torch":
        found = _said([sys.executable, "-c", _ASK_TORCH])
    elif shutil.which("nvidia-smi"):
        found = _said(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    else:
        found = "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else ""
    return Check("accelerator", "good" if found else "note", ", ".join(found.splitlines()) or "none")


def _said(words: list[str]) -> str:
    """Return the output of a command; empty if it fails."""
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
