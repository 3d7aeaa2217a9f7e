"""What an engine counted of labelled predictions: all that the binary measures read, whatever the number of rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audits.engines.port import Origin
from audits.score_table import ScoreBins, ScoreTable
from audits.tensor import CountTensor

__all__ = ["Counted", "LossSums", "ScoreBins", "ScoreTable"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Sufficient statistics of labelled predictions.

    Attributes
    ----------
    tensor
        Rows by group (all sensitive columns crossed), label and prediction. ``tensor.margin(columns)`` sums to fewer columns;
        ``tensor.margin(())`` is everybody.
    scores
        Rows by group, score and label, over the same groups in the same order; ``None`` without a score column.
    losses
        ``log_loss`` and ``brier_score_loss`` over all rows; empty without a score column.
    name
        What people know the data by; it stands in messages.
    origins
        What was read, with its digests.
    unknown
        Sensitive column to the number of its rows that name no group; they are the group ``unknown``.
    engine
        What counted, such as ``duckdb 1.5.6``.
    disclosure, suppressed
        Cells of fewer rows than ``disclosure`` were held back, and how many were. Where ``suppressed`` is not 0, ``scores`` is
        ``None``, ``losses`` is empty, and every number from the tensor is to be given as ``None`` with :attr:`held_back`.
    """

    tensor: CountTensor
    scores: ScoreTable | None = None
    losses: Mapping[str, LossSums] = field(default_factory=dict)
    name: str = "predictions"
    origins: tuple[Origin, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    engine: str = ""
    disclosure: int = 0
    suppressed: int = 0

    @property
    def held_back(self) -> str:
        """Why no number can be told; empty where all can."""
        return f"held back: fewer than {self.disclosure} rows in {self.suppressed} cells" if self.suppressed else ""
