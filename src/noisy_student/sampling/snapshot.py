"""Snapshots of a call of continuous batching: a call that goes on from one draws the same bytes as one without a stop.

A snapshot holds all tokens so far with the keys and values as they were computed, so nothing is computed again. It is
written about once a minute and when the call is stopped, in a file named by the digest of the call.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from noisy_student import identity
from noisy_student.errors import Interrupted, Paused

EVERY_SECONDS = 45.0
"""Time between snapshots: with the time of writing one, a killed process loses less than a minute."""
LEAST_SECONDS = 1.0
"""A stopped call that ran for less writes none: drawing again is as quick."""
LARGEST = 4 * 10**9
"""Bytes of keys and values above which none is written: a GPU fills them again faster than a disk reads them."""


@dataclass(slots=True)
class Snapshots:
    """The snapshots of one call, in ``path``; ``save`` returns plain facts and tensors, and writes ``size`` bytes."""

    path: Path
    _last: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, folder: Path, call: object) -> Snapshots:
        """Return the snapshots of the call with these inputs, each a JSON value; those of other calls are removed."""
        path = folder / f"call-{identity.digest(call)[:16]}.safetensors"
        for other in folder.glob("call-*.safetensors"):
            if other != path:
                other.unlink(missing_ok=True)
        return cls(path)

    def load(self, device: torch.device) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """Return the facts and tensors of the last snapshot; None without one, or if its file is damaged."""
        try:
            with safe_open(self.path, framework="pt", device=str(device)) as file:
                facts: dict[str, Any] = json.loads(file.metadata()["facts"])
                return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None

    def check(
        self, check: Callable[[], None], state: Callable[[], tuple[Mapping[str, Any], dict[str, Tensor]]]
    ) -> None:
        """Call ``check``, which may raise; write ``state`` before that, and where the last snapshot is old."""
        try:
            check()
        except (Paused, Interrupted):
            if time.monotonic() - self._last >= LEAST_SECONDS:
                self._save(*state())
            raise
        if time.monotonic() - self._last >= EVERY_SECONDS:
            self._save(*state())

    def drop(self) -> None:
        """Remove the snapshot of a call that has ended."""
        self.path.unlink(missing_ok=True)

    def _save(self, facts: Mapping[str, Any], tensors: dict[str, Tensor]) -> None:
        if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) <= LARGEST:
            written = self.path.with_suffix(".tmp")
            whole = {name: one.contiguous() for name, one in tensors.items()}
            try:
                save_file(whole, written, {"facts": json.dumps(facts)})
                written.replace(self.path)
            except (OSError, SafetensorError):
                # Without a snapshot only time is lost; a full disk ends the run where a result does not fit.
                written.unlink(missing_ok=True)
        self._last = time.monotonic()
