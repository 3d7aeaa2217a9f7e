"""Losses of a score against a label, and the sums over rows that their means and intervals take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.intervals import Floats
from audits.score_table import ScoreBins

LOSSES = ("log_loss", "brier_score_loss")
EDGE = float(np.finfo(np.float64).eps)
"""Scores are taken no nearer to 0 and 1 than this in the log loss, as scikit-learn does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSums:
    """Sums over all rows of a loss ``l`` with weights ``w`` (1 where every row counts one).

    Attributes
    ----------
    rows, weight, weight_squares
        Number of rows, Σw, Σw².
    loss
        Σwl.
    square_loss, square_squares
        Σw²l and Σw²l²: what the delta-method variance of the mean takes.
    """

    rows: int
    weight: float
    weight_squares: float
    loss: float
    square_loss: float
    square_squares: float

    @property
    def mean(self) -> float:
        """The (weighted) mean loss."""
        return self.loss / self.weight

    @property
    def variance(self) -> float:
        """Delta-method variance of the mean: ``n/(n − 1) Σw²(l − m)² / (Σw)²``, see :func:`audits.intervals.mean_delta`."""
        mean = self.mean
        squares = self.square_squares - 2 * mean * self.square_loss + mean * mean * self.weight_squares
        return max(squares, 0.0) / self.weight**2 * self.rows / max(self.rows - 1, 1)


def losses_at(score: Floats) -> dict[str, Floats]:
    """``log_loss`` (in nats) and ``brier_score_loss`` of each score, were the label 0 and were it 1.

    Returns
    -------
    dict
        Loss to (n, 2): ``−log`` of the probability given to the label, clipped to [ε, 1 − ε] with the machine's ε as
        scikit-learn does; and ``(label − score)²``.
    """
    given = np.stack([1 - score, score], axis=1)
    return {
        "log_loss": -np.log(np.clip(given, EDGE, 1 - EDGE)),
        "brier_score_loss": (1 - given) ** 2,
    }


def loss_sums(bins: ScoreBins) -> dict[str, LossSums]:
    """The sums of each loss from exact counts by score and label."""
    return {
        name: LossSums(
            rows=int(bins.counts.sum()),
            weight=float(bins.weights.sum()),
            weight_squares=float(bins.squares.sum()),
            loss=float((bins.weights * loss).sum()),
            square_loss=float((bins.squares * loss).sum()),
            square_squares=float((bins.squares * loss**2).sum()),
        )
        for name, loss in losses_at(bins.score).items()
    }


def loss_rows(bins: ScoreBins) -> dict[str, tuple[Floats, Floats]]:
    """Each loss row by row, with the rows' weights, from exact counts: for a bootstrap of few rows.

    Rows of one score and label share their weight evenly.
    """
    rows = bins.counts.reshape(-1)
    share = np.divide(bins.weights, bins.counts, out=np.zeros_like(bins.weights), where=bins.counts > 0)
    weight = np.repeat(share.reshape(-1), rows)
    return {name: (np.repeat(loss.reshape(-1), rows), weight) for name, loss in losses_at(bins.score).items()}
