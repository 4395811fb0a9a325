"""Pretraining: a plain loop over batches of token ids, with the loss on every token.

It runs once for each lab model, so it cannot be resumed; equal batches, seed and threads give equal weights. The loss
includes the questions, whose repeated names and numbers teach copying before calculation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration (Jordan 2024, https://kellerjordan.github.io/posts/muon/)."""
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Orthogonalized Nesterov momentum for the matrices of a model; embeddings and vectors need another optimizer.

    Our own and not torch's: matrices of equal shape are updated in one batch, since a lab model's are many and small.
    """

    def __init__(self, matrices: Iterable[torch.nn.Parameter], *, lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self._by_shape: dict[torch.Size, list[torch.nn.Parameter]] = {}
        for parameter in self.param_groups[0]["params"]:
            if parameter.dim() != 2:
                raise ValueError(f"Muon takes matrices, not a parameter of shape {tuple(parameter.shape)}")
            self._by_shape.setdefault(parameter.shape, []).append(parameter)
        self._momentum = {shape: torch.zeros(len(group), *shape) for shape, group in self._by_shape.items()}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Apply one update of spectral norm about lr, times sqrt(rows / columns) for tall matrices."""
        lr, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        for shape, group in self._by_shape.items():
            gradients = torch.stack([_gradient(parameter) for parameter in group])
            momentum = self._momentum[shape].mul_(_MOMENTUM).add_(gradients)
            updates = orthogonal(gradients + _MOMENTUM * momentum)
            scale = max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, update in zip(group, updates, strict=True):
                parameter.mul_(1 - lr * decay).add_(update, alpha=-lr * scale)


def orthogonal(matrices_NRC: torch.Tensor) -> torch.Tensor:
    """Return matrices with the same singular vectors and singular values near 1 (about 0.7 to 1.2)."""
    tall = matrices_NRC.shape[1] > matrices_NRC.shape[2]
    x = matrices_NRC.transpose(1, 2) if tall else matrices_NRC
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal_NRC: torch.Tensor = x.transpose(1, 2) if tall else x
    return orthogonal_NRC


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


@dataclass(frozen=True, slots=True)
class PretrainSpec:
    """Steps and learning rates: Muon for matrices, AdamW for the rest; warm-up, then cosine decay to a tenth."""

    steps: int
    muon_rate: float = 0.02
    adam_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.01
    threads: int = 1


def pretrain(
    model: PreTrainedModel,
    batches: Iterable[Sequence[Sequence[int]]],
    spec: PretrainSpec,
    *,
    pad_id: int,
    report: Callable[[int, float], None],
) -> None:
    """Train ``model`` in place; calls ``report(step, loss)`` after every step."""
    torch.set_num_threads(spec.threads)
    model.train()
    optimizers = _optimizers(model, spec)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, spec)) for optimizer in optimizers
    ]
    for step, rows in zip(range(spec.steps), batches, strict=False):
        loss = _loss(model, rows, pad_id=pad_id)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
        report(step + 1, float(loss.detach()))
    model.train(False)


def _optimizers(model: PreTrainedModel, spec: PretrainSpec) -> list[torch.optim.Optimizer]:
    embedding = model.get_input_embeddings().weight
    every = list(model.parameters())
    matrices = [parameter for parameter in every if parameter.dim() == 2 and parameter is not embedding]
    rest = [parameter for parameter in every if parameter.dim() != 2 or parameter is embedding]
    return [
        Muon(matrices, lr=spec.muon_rate, weight_decay=spec.weight_decay),
        torch.optim.AdamW(rest, lr=spec.adam_rate, betas=(0.9, 0.98), weight_decay=spec.weight_decay),
    ]


def _loss(model: PreTrainedModel, rows: Sequence[Sequence[int]], *, pad_id: int) -> torch.Tensor:
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    labels = torch.full_like(ids, -100)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = labels[index, : len(row)] = torch.tensor(row)
    # Padding stands on the right, so causal attention needs no mask and takes the fast kernel.
    logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def _factor(step: int, spec: PretrainSpec) -> float:
    if step < spec.warmup:
        return (step + 1) / spec.warmup
    share = (step - spec.warmup) / max(1, spec.steps - spec.warmup)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * share))
