"""How many rows may be explained without asking the model too often. Pure."""

from __future__ import annotations

from audits.explain.explanation import MOST_EXACT_FEATURES
from audits.scoring.model import Model

MOST_EVALUATIONS = 3_000_000
MOST_FOR_PAIRS = 2_000_000
_ORDERS = 4
_FEWEST = 2
_PAIR_ROWS, _PAIR_BACKGROUND, _FEWEST_PAIR_ROWS = 100, 30, 10
_ASKED_PER_PAIR = 24
"""Scores that the least number of sets asks for each pair, row and row of background."""


def rows_within(model: Model, rows: int, background: int, *, trees: bool, most: int = MOST_EVALUATIONS) -> int:
    """How many of ``rows`` to explain with at most ``most`` scores of the model: all where its trees are known.

    Values are exact where the coalitions of all rows can be played; else four orders of features per row must fit.
    """
    features = len(model.interface.inputs)
    if trees or (features <= MOST_EXACT_FEATURES and (rows * background) << features <= most):
        return rows
    return max(min(rows, most // (background * (2 * features + 1) * _ORDERS)), _FEWEST)


def pairs_within(features: int, rows: int, background: int, *, trees: bool) -> tuple[int, int] | None:
    """How many rows, and against how many of the background, to take interactions of; None where too few can be afforded.

    Interactions of trees cost little; else as many rows as can be afforded against at most 30 of the background.
    """
    few = min(rows, _PAIR_ROWS)
    if trees:
        return few, background
    against = min(background, _PAIR_BACKGROUND)
    each = (
        against << features
        if features <= MOST_EXACT_FEATURES
        else against * _ASKED_PER_PAIR * features * (features - 1) // 2
    )
    affordable = min(few, MOST_FOR_PAIRS // each)
    return (affordable, against) if affordable >= min(_FEWEST_PAIR_ROWS, rows) else None
