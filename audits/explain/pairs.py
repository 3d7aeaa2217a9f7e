"""Interactions of any model's features by sampling: for each pair, sets of the others that are known. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from audits.explain.columns import Array, Columns, Progress, Score, ask
from audits.explain.exact import ROWS_PER_ASK
from audits.explain.permutation import sampled_values
from registry.errors import InvalidInput

FEWEST_SETS, MOST_SETS = 4, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPairs:
    """Interactions from sampled sets: (rows, features, features) values and standard errors, and what they took."""

    values: Array
    standard_error: Array
    base: float
    evaluations: int


def sampled_interactions(
    score: Score, columns: Columns, *, seed: int, most_evaluations: int, progress: Progress | None = None
) -> SampledPairs:
    """Estimate the interactions of all pairs of features, and how sure the estimates are.

    The interaction index is the mean of v(S with i, j) - v(S with i) - v(S with j) + v(S) over sets S whose size is uniform
    from 0 to n - 2 and which are uniform among those of one size; it is halved as in
    :func:`audits.explain.brute_force.interaction_values`. Sets are drawn in pairs, each with its complement. A third of the
    evaluations goes to the values themselves, for the diagonal; its error treats pairs as independent of each other.

    Raises
    ------
    InvalidInput
        If the evaluations do not suffice for four sets of each pair and row.
    """
    size = len(columns.features)
    pairs = list(combinations(range(size), 2))
    each = 4 * columns.background * columns.rows * len(pairs)
    sets = 2 * (min(MOST_SETS, most_evaluations * 2 // 3 // each) // 2)
    if sets < FEWEST_SETS:
        message = (
            f"interactions of {len(pairs)} pairs for {columns.rows} rows against a background of {columns.background} need at "
            f"least {each * FEWEST_SETS * 3 // 2:,} scores of the model, and {most_evaluations:,} are allowed: take fewer rows, a "
            "smaller background, or allow more"
        )
        raise InvalidInput(message, field="most_evaluations")
    alone = sampled_values(score, columns, seed=seed, most_evaluations=most_evaluations // 3, progress=progress)
    draw = np.random.default_rng(seed)
    values = np.zeros((columns.rows, size, size))
    errors = np.zeros((columns.rows, size, size))
    asked = 0
    for place, (first, second) in enumerate(pairs):
        known = _known(draw, size, first, second, sets)
        gains = np.empty((columns.rows, sets))
        for start, stop in _parts(columns, 4 * sets):
            row = np.repeat(np.arange(start, stop), 4 * sets)
            mixed = columns.mixed(row, np.tile(known, (stop - start, 1)))
            worths = ask(score, mixed, len(row) * columns.background).reshape(stop - start, sets, 4, -1).mean(axis=3)
            gains[start:stop] = worths[..., 0] - worths[..., 1] - worths[..., 2] + worths[..., 3]
            asked += len(row) * columns.background
            if progress is not None:
                progress((place + stop / columns.rows) / len(pairs), "trying features in pairs")
        both = gains.reshape(columns.rows, sets // 2, 2).mean(axis=2) / 2
        values[:, first, second] = values[:, second, first] = both.mean(axis=1)
        errors[:, first, second] = errors[:, second, first] = both.std(axis=1, ddof=1) / np.sqrt(sets // 2)
    diagonal = np.arange(size)
    values[:, diagonal, diagonal] = alone.values - values.sum(axis=2)
    errors[:, diagonal, diagonal] = np.sqrt(alone.standard_error**2 + (errors**2).sum(axis=2))
    return SampledPairs(values=values, standard_error=errors, base=alone.base, evaluations=asked + alone.evaluations)


def _known(draw: np.random.Generator, size: int, first: int, second: int, sets: int) -> Array:
    """(sets × 4, features): each set with both, with the first, with the second, with neither; a set, then its complement."""
    others = np.asarray([place for place in range(size) if place not in {first, second}], dtype=np.int64)
    known = np.zeros((sets, 4, size), dtype=bool)
    for place in range(0, sets, 2):
        members = draw.permutation(others)[: draw.integers(0, len(others) + 1)]
        known[place, :, members] = True
        known[place + 1][:, others] = ~known[place][:, others]
    known[:, [0, 1], first] = True
    known[:, [0, 2], second] = True
    return known.reshape(sets * 4, size)


def _parts(columns: Columns, per_row: int) -> list[tuple[int, int]]:
    at_once = max(1, ROWS_PER_ASK // (per_row * columns.background))
    return [(start, min(start + at_once, columns.rows)) for start in range(0, columns.rows, at_once)]
