"""Saved states of a training that pauses: weights, optimiser state and torch's generator, as safetensors and JSON.

A state counts once its mark is written, which happens last. No file is a pickle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.training.measurements import Point

_MARK = "state.json"
_MARKED = {"identity", "weights", "sha256", "progress", "schedule"}
_KEYS = ("step", "exp_avg", "exp_avg_sq")  # state of torch's AdamW for a parameter


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a training: steps, seconds, the curve so far, and further state of its trainer as JSON."""

    step: int
    seconds: float
    points: tuple[Point, ...]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Saved state of one run: ``folder`` holds it, ``identity`` names the run, and the rest is saved and restored."""

    folder: Path
    identity: str
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler

    def save(self, progress: Progress) -> None:
        """Write the state to resume from, in place of an earlier one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, torch.Tensor] = {"rng": torch.get_rng_state()}
        for name, parameter in self._trained():
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{key}.{name}"] = value.detach().contiguous()
        weights = self.folder / f"step-{progress.step}.safetensors"
        partial = weights.with_suffix(".partial")
        save_file(tensors, partial)
        partial.replace(weights)
        rates = [float(rate) for rate in self.scheduler.get_last_lr()]
        mark = {
            "identity": self.identity,
            "weights": weights.name,
            "sha256": files.sha256_file(weights),
            "progress": asdict(progress),
            "schedule": {"last_epoch": self.scheduler.last_epoch, "rates": rates},
        }
        files.write_json(self.folder / _MARK, mark)
        self._remove_all_but(weights.name)

    def load(self) -> Progress | None:
        """Restore a saved state and return its progress; None where it is missing, damaged or another run's.

        A damaged state or another run's is removed, since it is as large as the model and its optimiser.
        """
        mark = self._mark()
        self._remove_all_but(None if mark is None else str(mark["weights"]))
        if mark is None:
            return None
        tensors = load_file(self.folder / str(mark["weights"]))
        torch.set_rng_state(tensors.pop("rng"))
        with torch.no_grad():
            for name, parameter in self._trained():
                parameter.copy_(tensors.pop(f"weight.{name}"))
                state = {key: tensors.pop(f"{key}.{name}") for key in _KEYS if f"{key}.{name}" in tensors}
                if state:
                    self.optimizer.state[parameter] = state
        self.scheduler.last_epoch = int(mark["schedule"]["last_epoch"])
        self.scheduler._step_count = self.scheduler.last_epoch + 1
        self.scheduler._last_lr = list(mark["schedule"]["rates"])
        for group, rate in zip(self.optimizer.param_groups, self.scheduler._last_lr, strict=True):
            group["lr"] = rate
        found = mark["progress"]
        points = tuple(Point(**point) for point in found["points"])
        return Progress(int(found["step"]), float(found["seconds"]), points, found.get("more", {}))

    def _trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """The trained parameters; the base under an adapter is not among them."""
        return ((name, each) for name, each in self.model.named_parameters() if each.requires_grad)

    def _mark(self) -> dict[str, Any] | None:
        """The mark of a complete state of this run whose weights have their checksum."""
        try:
            mark = files.read_json(self.folder / _MARK)
        except (OSError, UserError):
            return None
        if not isinstance(mark, dict) or not mark.keys() >= _MARKED or mark["identity"] != self.identity:
            return None
        weights = self.folder / str(mark["weights"])
        return mark if weights.is_file() and files.sha256_file(weights) == mark["sha256"] else None

    def _remove_all_but(self, weights: str | None) -> None:
        for path in self.folder.glob("step-*"):
            if path.name != weights:
                path.unlink()
        if weights is None:
            (self.folder / _MARK).unlink(missing_ok=True)
