"""Orthogonalised updates: singular values near 1, the same singular vectors, and a loss that falls."""

from __future__ import annotations

import pytest
import torch

from noisy_student.lab.pretrain import Muon, orthogonal


@pytest.mark.parametrize("shape", [(16, 16), (8, 24), (24, 8)])
def test_singular_values_are_near_one(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    matrices = torch.randn(3, *shape, generator=generator)
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.3


def test_each_matrix_keeps_its_singular_vectors() -> None:
    generator = torch.Generator().manual_seed(2)
    matrix = torch.randn(1, 12, 6, generator=generator)
    u, _, v = torch.linalg.svd(matrix[0], full_matrices=False)
    rotated = u.T @ orthogonal(matrix)[0] @ v.T
    off_diagonal = rotated - torch.diag(torch.diag(rotated))
    assert float(off_diagonal.abs().max()) < 1e-3


def test_a_least_squares_problem_is_solved() -> None:
    generator = torch.Generator().manual_seed(3)
    goal = torch.randn(6, 4, generator=generator)
    weight = torch.nn.Parameter(torch.zeros(6, 4))
    optimizer = Muon([weight], lr=0.05, weight_decay=0.0)
    for _ in range(200):
        loss = (weight - goal).square().sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert float(loss) < 0.2 * float(goal.square().sum())


def test_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1, weight_decay=0.0)
