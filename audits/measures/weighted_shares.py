"""Shares of weighted rows and the number of rows that they are worth. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from audits.intervals import Floats


def effective(mass: Any, squares: Any) -> Floats:
    """Kish's effective sizes ``(Σw)²/Σw²`` of the given sums; 0 where nothing is. Without weights it is the number of rows.

    Notes
    -----
    Kish, L. (1965), "Survey Sampling", section 11.7.
    """
    total, square = np.asarray(mass, dtype=np.float64), np.asarray(squares, dtype=np.float64)
    size: Floats = np.divide(total**2, square, out=np.zeros_like(total), where=square > 0)
    return size


def share(part: Any, of: Any) -> Floats:
    """``part / of``; NaN where ``of`` is 0."""
    whole = np.asarray(of, dtype=np.float64)
    rate: Floats = np.divide(
        np.asarray(part, dtype=np.float64), whole, out=np.full(whole.shape, np.nan), where=whole > 0
    )
    return rate
