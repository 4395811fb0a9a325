"""Least squares with coefficients of at least 0: what a unit of each kind of work takes, from whole pieces of work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RIDGE = 0.03
"""Weight of the pull towards 0: where there are fewer rows than columns it shares a cost among those that explain it,
and elsewhere takes a thousandth away."""


def unit_costs(work: Sequence[Sequence[float]], costs: Sequence[float]) -> tuple[float, ...]:
    """The cost of a unit of each column of ``work`` by which its rows cost about ``costs``, all above 0.

    Errors count relative to each row's own cost, so that a long piece does not drown the short ones (Lawson and Hanson
    1974 for the solver). A column of zeros costs 0. Raises ValueError for no rows, or for a cost that is not above 0.

    >>> [round(cost, 1) for cost in unit_costs([[1, 10], [1, 20], [1, 40]], [3.0, 5.0, 9.0])]
    [1.0, 0.2]
    """
    # Only a forecast needs it, and every run that shows its progress knows this module.
    from scipy import optimize

    table, total = np.asarray(work, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(total) or not len(total) or not (total > 0).all():
        raise ValueError("needs one row of work for each cost, and every cost above 0")
    relative = table / total[:, None]
    scale = np.linalg.norm(relative, axis=0)
    scale[scale == 0] = 1.0
    count = table.shape[1]
    pulled = np.vstack([relative / scale, RIDGE * np.eye(count)])
    found, _ = optimize.nnls(pulled, np.concatenate([np.ones(len(total)), np.zeros(count)]))
    return tuple(float(cost) for cost in found / scale)
