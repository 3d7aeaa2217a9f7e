"""The score table: rows by group, score and label, counted once; ranks, calibration and curves are arithmetic on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.predictions import Predictions
    from audits.tensor import CountTensor

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreBins:
    """The rows of one group by score: B occupied scores or bins, ascending.

    Attributes
    ----------
    score
        (B,) mean score of the rows there (weighted where rows are): the score itself where the table is exact.
    low, high
        (B,) limits between which the scores there lie; both the score itself where the table is exact.
    counts
        (B, 2) rows of label 0 and of label 1.
    weights
        (B, 2) what they weigh: the counts where every row counts one.
    squares
        (B, 2) sums of squared weights: the counts where every row counts one.
    """

    score: Floats
    low: Floats
    high: Floats
    counts: Integers
    weights: Floats
    squares: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreTable:
    """Rows by group, score and label: C occupied cells of G groups × S scores (or bins of scores).

    Attributes
    ----------
    columns, levels, keys
        The groups, as in the count tensor that it was counted with: k columns, their group names, (G, k) indices into them.
    scores
        (S,) ascending: the distinct scores where exact, the middles of the bins where not.
    edges
        (S + 1,) edges of equal-width bins over [0, 1], bin ``i`` holding ``edges[i] <= score < edges[i + 1]`` (the last one
        also 1); ``None`` where the table is exact, that is, holds every distinct score.
    group, place
        (C,) the cell's index among ``keys`` and among ``scores``; sorted by group, then place, each pair once.
    counts
        (C, 2) rows of label 0 and of label 1.
    score_mass
        (C,) sum of the scores of the rows there, times their weights.
    mass, squares
        (C, 2) sums of the sample weights and of their squares; ``None`` where every row counts one.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    keys: Integers
    scores: Floats
    edges: Floats | None = None
    group: Integers
    place: Integers
    counts: Integers
    score_mass: Floats
    mass: Floats | None = None
    squares: Floats | None = None

    @property
    def exact(self) -> bool:
        """Whether every distinct score is there, so that nothing about ranks is approximate."""
        return self.edges is None

    @cached_property
    def weights(self) -> Floats:
        """(C, 2) what the cells weigh: ``mass``, or the counts."""
        return self.counts.astype(np.float64) if self.mass is None else self.mass

    def slices(self) -> list[dict[str, str]]:
        """``{column: group name}`` of each of the G groups."""
        return [
            {c: self.levels[i][code] for i, (c, code) in enumerate(zip(self.columns, key, strict=True))}
            for key in self.keys.tolist()
        ]

    def margin(self, columns: Sequence[str]) -> ScoreTable:
        """The table over some of the columns, its groups as :meth:`audits.tensor.CountTensor.margin` orders them."""
        chosen = [self.columns.index(column) for column in columns]
        keys, code = np.unique(self.keys[:, chosen], axis=0, return_inverse=True)
        if not chosen:
            keys, code = np.zeros((1, 0), dtype=np.int64), np.zeros(len(self.keys), dtype=np.int64)
        cells = _Cells(code.reshape(-1)[self.group] * len(self.scores) + self.place)
        return replace(
            self,
            columns=tuple(columns),
            levels=tuple(self.levels[i] for i in chosen),
            keys=keys,
            group=cells.occupied // len(self.scores),
            place=cells.occupied % len(self.scores),
            counts=cells.total(self.counts),
            score_mass=cells.total(self.score_mass),
            mass=None if self.mass is None else cells.total(self.mass),
            squares=None if self.squares is None else cells.total(self.squares),
        )

    @classmethod
    def of_rows(cls, predictions: Predictions, tensor: CountTensor) -> ScoreTable:
        """The exact table of rows in memory, over the groups of their count tensor.

        Raises
        ------
        InvalidInput
            If the rows have no score.
        """
        if predictions.score is None:
            raise InvalidInput("the rows have no score", field="score")
        sizes = [len(names) for names in tensor.levels]
        codes = [predictions.sensitive[column][0] for column in tensor.columns]
        flat = flat_index([code.astype(np.int64) for code in codes], sizes, len(predictions))
        group = np.searchsorted(flat_index(list(tensor.keys.T), sizes, len(tensor.keys)), flat)
        scores, place = np.unique(predictions.score, return_inverse=True)
        cells = _Cells(group * len(scores) + place)
        by_label = np.eye(2, dtype=np.int64)[predictions.label]
        weight = np.ones(len(flat)) if predictions.weight is None else predictions.weight
        weighted = predictions.weight is not None
        return cls(
            columns=tensor.columns,
            levels=tensor.levels,
            keys=tensor.keys,
            scores=scores,
            group=cells.occupied // len(scores),
            place=cells.occupied % len(scores),
            counts=cells.total(by_label),
            score_mass=cells.total(weight * predictions.score),
            mass=cells.total(weight[:, None] * by_label) if weighted else None,
            squares=cells.total(weight[:, None] ** 2 * by_label) if weighted else None,
        )

    def bins(self, group: int = 0) -> ScoreBins:
        """The rows of one group (an index among ``keys``) by score. Of everybody: ``table.margin(()).bins()``."""
        start, end = np.searchsorted(self.group, [group, group + 1])
        rows = slice(int(start), int(end))
        place, weights = self.place[rows], self.weights[rows]
        exact = self.scores[place]
        low, high = (exact, exact) if self.edges is None else (self.edges[place], self.edges[place + 1])
        mean = exact if self.edges is None else np.clip(self.score_mass[rows] / weights.sum(axis=1), low, high)
        return ScoreBins(
            score=mean,
            low=low,
            high=high,
            counts=self.counts[rows],
            weights=weights,
            squares=self.counts[rows].astype(np.float64) if self.squares is None else self.squares[rows],
        )


def flat_index(codes: Sequence[Integers], sizes: Sequence[int], rows: int) -> Integers:
    """One number per row from its codes in several columns; ascends as the codes do in lexicographic order."""
    flat = np.zeros(rows, dtype=np.int64)
    for code, size in zip(codes, sizes, strict=True):
        flat = flat * size + code
    return flat


class _Cells:
    """Sums rows into the cells that are occupied, ascending, however many there could be."""

    def __init__(self, flat: Integers) -> None:
        self._order = np.argsort(flat, kind="stable")
        ordered = flat[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.occupied: Integers = ordered[self._starts]

    def total(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.add.reduceat(values[self._order], self._starts, axis=0)
