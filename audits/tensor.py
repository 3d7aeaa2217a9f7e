"""The count tensor: groups × label × prediction, counted once; every count metric is arithmetic on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from registry.canonical import digest_of
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.predictions import Predictions

CELLS = ("tn", "fp", "fn", "tp")
"""The four cells of a group, in the order ``2 × label + prediction``."""

MOST_GROUPS = 100_000
_DENSE_CELLS = 1 << 22
_BLOCK_ROWS = 1 << 20


@dataclass(frozen=True, eq=False, kw_only=True)
class CountTensor:
    """Counts of rows by group, label and prediction.

    Attributes
    ----------
    columns
        The k sensitive columns.
    levels
        Per column, its group names, sorted.
    keys
        (G, k) the groups that have rows, as indices into ``levels``, in lexicographic order.
    counts
        (G, 4) rows by group and cell, see :data:`CELLS`.
    mass, squares
        (G, 4) sums of the sample weights and of their squares; ``None`` where every row counts one.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    keys: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    mass: npt.NDArray[np.float64] | None = None
    squares: npt.NDArray[np.float64] | None = None

    @property
    def total(self) -> int:
        """Rows in all."""
        return int(self.counts.sum())

    @cached_property
    def weights(self) -> npt.NDArray[np.float64]:
        """(G, 4) what each cell weighs: ``mass``, or the counts."""
        return self.counts.astype(np.float64) if self.mass is None else self.mass

    def slices(self) -> list[dict[str, str]]:
        """``{column: group name}`` of each of the G groups."""
        return [
            {c: self.levels[i][code] for i, (c, code) in enumerate(zip(self.columns, key, strict=True))}
            for key in self.keys.tolist()
        ]

    def margin(self, columns: Sequence[str]) -> CountTensor:
        """The tensor over some of the columns: sums over the others. No columns gives the one overall group."""
        unknown = [column for column in columns if column not in self.columns]
        if unknown:
            raise InvalidInput(
                f"{unknown[0]!r} is not among the counted columns {list(self.columns)}", field=unknown[0]
            )
        chosen = [self.columns.index(column) for column in columns]
        keys, place = np.unique(self.keys[:, chosen], axis=0, return_inverse=True)
        if not chosen:
            keys, place = np.zeros((1, 0), dtype=np.int64), np.zeros(len(self.keys), dtype=np.int64)
        place = place.reshape(-1)
        return CountTensor(
            columns=tuple(columns),
            levels=tuple(self.levels[i] for i in chosen),
            keys=keys,
            counts=_sum_rows(self.counts, place, len(keys)),
            mass=None if self.mass is None else _sum_rows(self.mass, place, len(keys)),
            squares=None if self.squares is None else _sum_rows(self.squares, place, len(keys)),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: ``columns``, ``levels``, ``cells`` and one ``[key, counts]`` (with sums of weights) per group."""
        parts = [self.counts] + [part for part in (self.mass, self.squares) if part is not None]
        rows = zip(self.keys.tolist(), *(part.tolist() for part in parts), strict=True)
        return {
            "columns": list(self.columns),
            "levels": [list(names) for names in self.levels],
            "cells": list(CELLS),
            "groups": [list(row) for row in rows],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CountTensor:
        """Inverse of :meth:`as_json`."""
        columns = list(zip(*data["groups"], strict=True))
        weighted = len(columns) > 2  # noqa: PLR2004 - key and counts, then the sums of weights
        return cls(
            columns=tuple(data["columns"]),
            levels=tuple(tuple(names) for names in data["levels"]),
            keys=np.array(columns[0], dtype=np.int64).reshape(-1, len(data["columns"])),
            counts=np.array(columns[1], dtype=np.int64),
            mass=np.array(columns[2], dtype=np.float64) if weighted else None,
            squares=np.array(columns[3], dtype=np.float64) if weighted else None,
        )

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of the canonical JSON; the same counts always give the same."""
        return digest_of(self.as_json())


def _sum_rows(cells: npt.NDArray[Any], place: npt.NDArray[np.int64], size: int) -> npt.NDArray[Any]:
    total = np.zeros((size, cells.shape[1]), dtype=cells.dtype)
    np.add.at(total, place, cells)
    return total


def count(predictions: Predictions, columns: Sequence[str] | None = None) -> CountTensor:
    """Count rows by the crossed groups of ``columns`` (all sensitive columns by default), label and prediction.

    Raises
    ------
    InvalidInput
        If the crossed columns make more than 100,000 groups that have rows.
    """
    names = tuple(predictions.sensitive) if columns is None else tuple(columns)
    coded = [predictions.sensitive[name] for name in names]
    sizes = [len(levels) for _, levels in coded]
    cells = 4
    for size in sizes:
        cells *= size
    if cells >= 1 << 62:
        raise InvalidInput(f"{len(names)} sensitive columns have too many combinations to count; use fewer")
    flat, sums = _counted(predictions, [codes for codes, _ in coded], sizes, cells)
    groups, place = np.unique(flat // 4, return_inverse=True)
    _refuse_many(names, len(groups))
    tables = [np.zeros((len(groups), 4), dtype=values.dtype) for values in sums]
    for table, values in zip(tables, sums, strict=True):
        table[place, flat % 4] = values
    keys = np.stack(np.unravel_index(groups, sizes), axis=1) if sizes else np.zeros((len(groups), 0), dtype=np.int64)
    return CountTensor(
        columns=names,
        levels=tuple(levels for _, levels in coded),
        keys=keys.astype(np.int64),
        counts=tables[0],
        mass=tables[1] if predictions.weight is not None else None,
        squares=tables[2] if predictions.weight is not None else None,
    )


def _counted(
    predictions: Predictions, codes: Sequence[npt.NDArray[Any]], sizes: Sequence[int], cells: int
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[Any]]]:
    """The occupied flat cells, and per cell its rows (with weights also Σw and Σw²), block by block of bounded memory."""
    weight = predictions.weight
    kinds: list[type[Any]] = [np.int64] if weight is None else [np.int64, np.float64, np.float64]
    occupied = np.arange(cells) if cells <= _DENSE_CELLS else np.unique(_flat(predictions, codes, sizes, slice(None)))
    sums: list[npt.NDArray[Any]] = [np.zeros(len(occupied), dtype=kind) for kind in kinds]
    for start in range(0, len(predictions), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        flat = _flat(predictions, codes, sizes, block)
        index = flat if cells <= _DENSE_CELLS else np.searchsorted(occupied, flat)
        sums[0] += np.bincount(index, minlength=len(occupied))
        if weight is not None:
            sums[1] += np.bincount(index, weights=weight[block], minlength=len(occupied))
            sums[2] += np.bincount(index, weights=weight[block] ** 2, minlength=len(occupied))
    present = sums[0] > 0
    return occupied[present], [values[present] for values in sums]


def _flat(
    predictions: Predictions, codes: Sequence[npt.NDArray[Any]], sizes: Sequence[int], block: slice
) -> npt.NDArray[np.int64]:
    flat = np.zeros(len(predictions.label[block]), dtype=np.int64)
    for column, size in zip(codes, sizes, strict=True):
        flat *= size
        flat += column[block]
    flat *= 2
    flat += predictions.label[block]
    flat *= 2
    flat += predictions.prediction[block]
    return flat


def tensor_of_cells(
    levels: Mapping[str, tuple[str, ...]],
    codes: Sequence[npt.NDArray[np.int64]],
    cell: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    weights: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
) -> CountTensor:
    """The tensor of a list of counted cells, in any order, in which a cell may stand several times.

    Parameters
    ----------
    levels
        Sensitive column to its group names, sorted.
    codes
        Per column, (m,) indices into its names.
    cell
        (m,) ``2 × label + prediction``.
    counts
        (m,) rows.
    weights
        (m,) sums of the sample weights and of their squares, if rows have weights.

    Raises
    ------
    InvalidInput
        If there are more than 100,000 groups.
    """
    stacked = np.stack(codes, axis=1) if codes else np.zeros((len(cell), 0), dtype=np.int64)
    keys, place = np.unique(stacked, axis=0, return_inverse=True)
    if not codes:
        keys, place = np.zeros((1, 0), dtype=np.int64), np.zeros(len(cell), dtype=np.int64)
    _refuse_many(list(levels), len(keys))

    def total(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        table = np.zeros((len(keys), len(CELLS)), dtype=values.dtype)
        np.add.at(table, (place.reshape(-1), cell), values)
        return table

    return CountTensor(
        columns=tuple(levels),
        levels=tuple(levels.values()),
        keys=keys.astype(np.int64),
        counts=total(counts),
        mass=None if weights is None else total(weights[0]),
        squares=None if weights is None else total(weights[1]),
    )


def _refuse_many(names: Sequence[str], groups: int) -> None:
    if groups > MOST_GROUPS:
        raise InvalidInput(f"the columns {list(names)} make {groups:,} groups; at most {MOST_GROUPS:,} can be counted")


def merge(parts: Iterable[CountTensor]) -> CountTensor:
    """The tensor of all rows from tensors of parts of them, whatever groups each part happens to hold.

    Raises
    ------
    InvalidInput
        If the parts count different columns, or only some are weighted, or there is none.
    """
    tensors = list(parts)
    if len({(tensor.columns, tensor.mass is None) for tensor in tensors}) != 1:
        raise InvalidInput("only tensors of the same columns, all weighted or none, can be merged")
    columns = tensors[0].columns
    levels = tuple(
        tuple(sorted({name for tensor in tensors for name in tensor.levels[i]})) for i in range(len(columns))
    )
    keys = np.concatenate([_recoded(tensor, levels) for tensor in tensors])
    groups, place = np.unique(keys, axis=0, return_inverse=True)
    if not columns:
        groups, place = np.zeros((1, 0), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)

    def total(cells: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return _sum_rows(np.concatenate(cells), place.reshape(-1), len(groups))

    weighted = tensors[0].mass is not None
    return CountTensor(
        columns=columns,
        levels=levels,
        keys=groups,
        counts=total([tensor.counts for tensor in tensors]),
        mass=total([tensor.weights for tensor in tensors]) if weighted else None,
        squares=total([tensor.squares for tensor in tensors if tensor.squares is not None]) if weighted else None,
    )


def _recoded(tensor: CountTensor, levels: tuple[tuple[str, ...], ...]) -> npt.NDArray[np.int64]:
    keys = np.empty_like(tensor.keys)
    for i, names in enumerate(levels):
        place = {name: index for index, name in enumerate(names)}
        keys[:, i] = np.array([place[name] for name in tensor.levels[i]], dtype=np.int64)[tensor.keys[:, i]]
    return keys
