"""How many rows may be explained without asking the model too often. Pure."""

from __future__ import annotations

from audits.explain.explanation import MOST_EXACT_FEATURES
from audits.scoring.model import Model

MOST_EVALUATIONS = 3_000_000
_ORDERS = 4
_FEWEST = 2


def rows_within(model: Model, rows: int, background: int, *, trees: bool, most: int = MOST_EVALUATIONS) -> int:
    """How many of ``rows`` to explain with at most ``most`` scores of the model: all where its trees are known.

    Values are exact where the coalitions of all rows can be played; else four orders of features per row must fit.
    """
    features = len(model.interface.inputs)
    if trees or (features <= MOST_EXACT_FEATURES and (rows * background) << features <= most):
        return rows
    return max(min(rows, most // (background * (2 * features + 1) * _ORDERS)), _FEWEST)
