"""Any model as a game of its features, all coalitions played against the background: exact for few features. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audits.explain.columns import Array, Columns, Progress, Score, ask

ROWS_PER_ASK = 1 << 17
"""So many rows go to the model at once: large enough that asking costs little, small enough to be cancelled soon."""


def evaluations_needed(columns: Columns) -> int:
    """How many rows the model has to score."""
    return (columns.rows * columns.background) << len(columns.features)


def games(score: Score, columns: Columns, progress: Progress | None = None) -> Iterator[tuple[slice, Array]]:
    """The worth of every set of known features, for some rows at a time.

    v(S) is the mean score over the background, with the features in S taken from the row: the interventional expectation
    (features that are not known are drawn independently of those that are).

    Yields
    ------
    tuple
        Which rows, and (rows, 2**features) worths, as :func:`audits.explain.brute_force.shapley_values` takes them.
    """
    size = len(columns.features)
    members = np.arange(1 << size)
    known = ((members[:, None] >> np.arange(size)) & 1).astype(bool)
    pairs = max(1, ROWS_PER_ASK // columns.background)
    at_once = max(1, pairs >> size)
    for start in range(0, columns.rows, at_once):
        chosen = range(start, min(start + at_once, columns.rows))
        row, coalition = np.repeat(np.asarray(chosen), len(members)), np.tile(members, len(chosen))
        worths = np.empty(len(row))
        for place in range(0, len(row), pairs):
            part = slice(place, min(place + pairs, len(row)))
            mixed = columns.mixed(row[part], known[coalition[part]])
            scores = ask(score, mixed, (part.stop - part.start) * columns.background)
            worths[part] = scores.reshape(-1, columns.background).mean(axis=1)
            if progress is not None:
                progress((start + len(chosen) * part.stop / len(row)) / columns.rows, "playing all coalitions")
        yield slice(chosen.start, chosen.stop), worths.reshape(len(chosen), -1)
