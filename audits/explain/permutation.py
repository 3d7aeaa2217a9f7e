"""Shapley values of any model by sampling orders of its features, with shap's permutation explainer. Pure.

Each order is walked forward and back (antithetic), against the whole background, so the values of every row add up to its
score whatever the number of orders. shap's explainer sees numbers only: each column's values go in as codes, and the model is
asked with the values themselves, so columns may be of any type.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.explain.columns import Array, Columns, Progress, Score, ask
from registry.errors import InvalidInput

FEWEST_ORDERS, MOST_ORDERS = 4, 64
MOST_CODES = 90_000
"""shap takes two codes for equal if they differ by less than 1e-5 of themselves, which larger ones would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Values from sampled orders.

    Attributes
    ----------
    values, standard_error
        (rows, features) float64; the error is that of the mean over orders, itself rough where they are few.
    base
        Mean score of the background.
    orders
        How many orders, each forward and back, were walked for each row.
    evaluations
        Rows that the model scored.
    """

    values: Array
    standard_error: Array
    base: float
    orders: int
    evaluations: int


def orders_within(columns: Columns, most_evaluations: int) -> int:
    """How many orders may be walked for each row.

    Raises
    ------
    InvalidInput
        If they are fewer than four, from which an error cannot be told.
    """
    needed = columns.rows * columns.background * (2 * len(columns.features) + 1)
    orders = min(MOST_ORDERS, most_evaluations // needed)
    if orders < FEWEST_ORDERS:
        message = (
            f"{columns.rows} rows against a background of {columns.background} need at least {FEWEST_ORDERS * needed:,} scores of "
            f"the model, and {most_evaluations:,} are allowed: explain fewer rows, take a smaller background, or allow more"
        )
        raise InvalidInput(message, field="most_evaluations")
    return int(orders)


def sampled_values(
    score: Score, columns: Columns, *, seed: int, most_evaluations: int, progress: Progress | None = None
) -> Sampled:
    """Estimate the Shapley values of all rows, and how sure the estimates are.

    Source: E. Štrumbelj and I. Kononenko, 2014; antithetic orders: R. Mitchell et al., "Sampling permutations for Shapley value
    estimation", JMLR 23, 2022; shap's ``PermutationExplainer``.

    Raises
    ------
    InvalidInput
        If that many evaluations do not suffice for four orders, or a column of the background has more than 90,000 values.
    """
    shap = _shap()
    orders = orders_within(columns, most_evaluations)
    coded = _Coded(score, columns)
    size = len(columns.features)
    values, errors = np.empty((columns.rows, size)), np.empty((columns.rows, size))
    base = 0.0
    with _numpy_seeded(seed):
        masker = shap.maskers.Independent(coded.background, max_samples=columns.background)
        explainer = shap.explainers.Permutation(coded.scores, masker, seed=seed)
        for row in range(columns.rows):
            drawn = np.empty((orders, size))
            question = coded.question(row)
            for order in range(orders):
                answer = explainer(question, max_evals=2 * size + 1, silent=True)
                drawn[order], base = answer.values[0], float(np.ravel(answer.base_values)[0])
                if progress is not None:
                    progress((row + (order + 1) / orders) / columns.rows, "walking orders of features")
            values[row], errors[row] = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(orders)
    return Sampled(values=values, standard_error=errors, base=base, orders=orders, evaluations=coded.asked)


class _Coded:
    """The model as a function of codes: the background's distinct values by number, and one more for a row's own."""

    def __init__(self, score: Score, columns: Columns) -> None:
        self.score, self.columns = score, columns
        self.asked = 0
        self.known: list[dict[Any, int]] = []
        self.samples: list[Array] = []
        coded = []
        for name, values in columns.of_background().items():
            places: dict[Any, int] = {}
            first: list[int] = []
            codes = np.empty(len(values))
            for place, key in enumerate(map(_key, values.tolist())):
                if key not in places:
                    places[key] = len(places)
                    first.append(place)
                codes[place] = places[key]
            if len(places) > MOST_CODES:
                raise InvalidInput(
                    f"the background has more than {MOST_CODES:,} values of {name!r}: take a smaller one", field=name
                )
            self.known.append(places)
            self.samples.append(columns.rows + np.asarray(first))
            coded.append(codes)
        self.background = np.column_stack(coded)
        self.row = 0

    def question(self, row: int) -> Array:
        """The codes of one row, (1, features)."""
        self.row = row
        keys = [_key(self.columns.pool[name][row : row + 1].tolist()[0]) for name in self.columns.features]
        return np.asarray([[float(known.get(key, len(known))) for known, key in zip(self.known, keys, strict=True)]])

    def scores(self, codes: Array) -> Array:
        """What the model says of rows of codes."""
        mixed = {}
        for place, name in enumerate(self.columns.features):
            index = np.append(self.samples[place], self.row)[codes[:, place].astype(np.int64)]
            mixed[name] = self.columns.pool[name][index]
        self.asked += len(codes)
        return ask(self.score, mixed, len(codes))


def _key(value: Any) -> Any:
    """Missing numbers are equal to each other."""
    return None if value is None or (isinstance(value, float) and value != value) else (type(value).__name__, value)  # noqa: PLR0124


def _shap() -> Any:
    """Take in the library; it uses parts of matplotlib that will be deprecated, which is not ours to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        import shap
    return shap


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which shap draws from, and leave it as it was."""
    before = np.random.get_state()  # noqa: NPY002 - shap's own choice
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
