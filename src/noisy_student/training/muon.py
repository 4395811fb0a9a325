"""Muon for CPUs: momentum whose matrices are orthogonalised by Newton-Schulz, in float32 and a shape at a time.

``torch.optim.Muon`` does the same in bfloat16, matrix by matrix; on CPUs without bfloat16 units that takes longer
than the rest of a step of the lab's models (over 2 s a step against 0.3 s), so this file exists.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration (Jordan 2024, https://kellerjordan.github.io/posts/muon/)."""
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum for the matrices of a model; embeddings and vectors need another optimizer."""

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
        """One update, whose spectral norm is about the learning rate, times sqrt(rows / columns) for tall matrices."""
        lr, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        for shape, group in self._by_shape.items():
            gradients = torch.stack([_gradient(parameter) for parameter in group])
            momentum = self._momentum[shape].mul_(_MOMENTUM).add_(gradients)
            updates = orthogonal(gradients + _MOMENTUM * momentum)
            scale = max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, update in zip(group, updates, strict=True):
                parameter.mul_(1 - lr * decay).add_(update, alpha=-lr * scale)


def orthogonal(matrices_NRC: torch.Tensor) -> torch.Tensor:
    """Matrices with the same singular vectors and singular values near 1 (about 0.7 to 1.2)."""
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
