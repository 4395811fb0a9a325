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
from noisy_student.training.curves import Point

_MARK = "state.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a training: steps, seconds, the curve so far, and further state of its trainer as JSON."""

    step: int
    seconds: float
    points: tuple[Point, ...]
    more: dict[str, Any] = field(default_factory=dict)


def save(
    folder: Path,
    progress: Progress,
    *,
    identity: str,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
) -> None:
    """Write the state of a resumed run; ``identity`` names the run that it belongs to."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {"rng": torch.get_rng_state()}
    for name, parameter in _trained(model):
        tensors[f"weight.{name}"] = parameter.detach().contiguous()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{key}.{name}"] = value.detach().contiguous()
    weights = folder / f"step-{progress.step}.safetensors"
    partial = weights.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(weights)
    mark = {"identity": identity, "weights": weights.name, "sha256": files.sha256_file(weights)}
    files.write_json(folder / _MARK, {**mark, "progress": asdict(progress), "schedule": _schedule(scheduler)})
    _remove_all_but(folder, weights.name)


def load(
    folder: Path,
    *,
    identity: str,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
) -> Progress | None:
    """Restore a saved state and return its progress; None where it is missing, damaged or another run's.

    A damaged state or another run's is removed, since it is as large as the model and its optimiser.
    """
    mark = _whole(folder, identity)
    _remove_all_but(folder, None if mark is None else str(mark["weights"]))
    if mark is None:
        return None
    weights = folder / str(mark["weights"])
    tensors = load_file(weights)
    torch.set_rng_state(tensors.pop("rng"))
    with torch.no_grad():
        for name, parameter in _trained(model):
            parameter.copy_(tensors.pop(f"weight.{name}"))
            state = {key: tensors.pop(f"{key}.{name}") for key in _KEYS if f"{key}.{name}" in tensors}
            if state:
                optimizer.state[parameter] = state
    _restore_schedule(scheduler, optimizer, mark["schedule"])
    points = tuple(Point(**point) for point in mark["progress"]["points"])
    found = mark["progress"]
    return Progress(int(found["step"]), float(found["seconds"]), points, found.get("more", {}))


def _trained(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """The trained parameters; the base under an adapter is not among them."""
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def _whole(folder: Path, identity: str) -> dict[str, Any] | None:
    """The mark of a state of this run whose weights have their checksum."""
    mark = _mark(folder)
    if mark is None or mark["identity"] != identity:
        return None
    weights = folder / str(mark["weights"])
    return mark if weights.is_file() and files.sha256_file(weights) == mark["sha256"] else None


def _remove_all_but(folder: Path, weights: str | None) -> None:
    for path in folder.glob("step-*"):
        if path.name != weights:
            path.unlink()
    if weights is None:
        (folder / _MARK).unlink(missing_ok=True)


def _mark(folder: Path) -> dict[str, Any] | None:
    """The mark of a complete state; None where it is missing or unreadable, so that training starts anew."""
    try:
        found = files.read_json(folder / _MARK)
    except (OSError, UserError):
        return None
    return found if isinstance(found, dict) and found.keys() >= _MARKED else None


_MARKED = {"identity", "weights", "sha256", "progress", "schedule"}
_KEYS = ("step", "exp_avg", "exp_avg_sq")  # state of torch's AdamW for a parameter


def _schedule(scheduler: torch.optim.lr_scheduler.LRScheduler) -> dict[str, Any]:
    return {"last_epoch": scheduler.last_epoch, "rates": [float(rate) for rate in scheduler.get_last_lr()]}


def _restore_schedule(
    scheduler: torch.optim.lr_scheduler.LRScheduler, optimizer: torch.optim.Optimizer, saved: dict[str, Any]
) -> None:
    scheduler.last_epoch = int(saved["last_epoch"])
    scheduler._step_count = scheduler.last_epoch + 1
    scheduler._last_lr = list(saved["rates"])
    for group, rate in zip(optimizer.param_groups, saved["rates"], strict=True):
        group["lr"] = rate
