"""Least squares with coefficients of at least 0: the cost of one unit of each kind of work, from measured totals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RIDGE = 0.03
"""Weight of the pull towards 0: with fewer rows than columns it shares a cost among the columns that explain it, and
otherwise lowers the result by a thousandth."""


def unit_costs(work: Sequence[Sequence[float]], costs: Sequence[float]) -> tuple[float, ...]:
    """Fit the cost of one unit of each column of ``work`` so that row ``i`` costs about ``costs[i]``.

    Errors are relative to each row's cost, so that a long row does not dominate short ones (solver: Lawson and Hanson
    1974). A column of zeros costs 0. Raises ValueError for no rows, or for a cost that is not above 0.

    >>> [round(cost, 1) for cost in unit_costs([[1, 10], [1, 20], [1, 40]], [3.0, 5.0, 9.0])]
    [1.0, 0.2]
    """
    # Imported here because only a forecast needs it, and every run with a progress display imports this module.
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
