"""What an engine counted of labelled predictions: all that the binary measures read, whatever the number of rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audits.engines.port import Engine, Origin
from audits.losses import LossSums, loss_sums
from audits.score_table import ScoreBins, ScoreTable
from audits.tensor import CountTensor, count

if TYPE_CHECKING:
    from audits.engines.opening import Data
    from audits.parameters import Parameters
    from audits.predictions import Predictions

__all__ = ["Counted", "LossSums", "ScoreBins", "ScoreTable", "count_predictions"]


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

    @classmethod
    def of_rows(cls, predictions: Predictions, *, engine: str = "") -> Counted:
        """The same statistics from rows in memory: for small data, and where an engine cannot read what rows hold."""
        tensor = count(predictions)
        scores = None if predictions.score is None else ScoreTable.of_rows(predictions, tensor)
        return cls(
            tensor=tensor,
            scores=scores,
            losses={} if scores is None else loss_sums(scores.margin(()).bins()),
            name=predictions.name,
            origins=tuple(Origin(path=source.name, sha256=source.sha256) for source in predictions.sources),
            unknown=predictions.unknown,
            engine=engine,
        )


def count_predictions(
    engine: Engine, parameters: Parameters, sensitive: Sequence[str], *, data: Data, losses: bool = True
) -> Counted:
    """Count labelled predictions where they are.

    Parameters
    ----------
    engine
        The open data. Groups of fewer rows than its ``disclosure`` are held back.
    parameters
        Which columns are label, prediction, score and weight, and what is the positive class.
    sensitive
        The columns of groups to cross; a missing group is the group ``unknown``.
    data
        What ``engine`` opened. Where it is a local file, the row reader is asked about whatever is wrong, so that the error
        names file, column, row and line; of a table elsewhere it names table and column.
    losses
        Whether to sum the losses, which takes one more look at large data.

    Raises
    ------
    PredictionsError
        By the very rules of :func:`audits.predictions.read_predictions`.
    """
    from audits.counting import count_on_engine

    return count_on_engine(engine, parameters, sensitive, data=data, losses=losses)
