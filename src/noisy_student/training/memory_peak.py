"""How much memory a piece of work takes at most: of the GPU that the model stands on, else of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

TICK = 0.01
"""Seconds from one look at the process to the next; a step takes longer."""
STATUS, ALL = Path("/proc/self/status"), Path("/proc/meminfo")


@dataclass(slots=True)
class Peak:
    """Bytes above what was taken before; None where the system does not say. ``where`` is the kind of memory."""

    where: str
    free: int | None
    taken: int | None = None


@contextmanager
def memory_peak() -> Iterator[Peak]:
    """Within, watch what is taken; the peak is there after.

    On a GPU it is torch's own count. On a CPU the process is looked at a hundred times a second, so that a spike that
    is shorter than that may be missed.
    """
    if torch.cuda.is_available():
        with _on_gpu() as peak:
            yield peak
    else:
        with _on_cpu() as peak:
            yield peak


@contextmanager
def _on_gpu() -> Iterator[Peak]:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()
    peak = Peak(torch.cuda.get_device_name(), int(torch.cuda.mem_get_info()[0]))
    try:
        yield peak
    finally:
        peak.taken = torch.cuda.max_memory_reserved() - before


@contextmanager
def _on_cpu() -> Iterator[Peak]:
    peak, end = Peak("memory", _kilobytes(ALL, "MemAvailable:")), threading.Event()
    before = _kilobytes(STATUS, "VmRSS:")
    most = [before or 0]

    def watch() -> None:
        while not end.wait(TICK):
            most[0] = max(most[0], _kilobytes(STATUS, "VmRSS:") or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        end.set()
        watcher.join()
        peak.taken = None if before is None else most[0] - before


def _kilobytes(path: Path, name: str) -> int | None:
    """A row of a file of the system, in bytes; None where there is none."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)
