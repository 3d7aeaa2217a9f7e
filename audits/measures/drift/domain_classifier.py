"""The classifier two-sample test: how well a model tells rows of two data sets apart, and by which columns. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.auc import Auc, roc_auc
from audits.intervals import Floats

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.engines.port import Engine

LEAST_ROWS = 50
_FOLDS, _ROUNDS, _LEAVES, _CATEGORIES = 5, 60, 15, 254


@dataclass(frozen=True, slots=True)
class Domain:
    """What the classifier found.

    Attributes
    ----------
    auc
        Area under the ROC curve of out-of-fold scores: 0.5 if the data sets cannot be told apart.
    importances
        Column to how much the area falls when the column is shuffled, largest first.
    rows
        Rows drawn of each data set.
    """

    auc: Auc
    importances: Mapping[str, float]
    rows: tuple[int, int]


def draw_rows(engine: Engine, columns: Sequence[str], *, key: Sequence[str], rows: int, seed: int) -> pa.Table | None:
    """All rows where there are no more than wanted, else those chosen by the digest of their key; None without a key.

    In an order that does not depend on where they lay.
    """
    if key:
        return engine.keyed_sample(rows, key=list(key), columns=list(columns), seed=seed)
    if engine.rows() > rows:
        return None
    table = engine.read(engine.table.select(*columns))
    return table.sort_by([(name, "ascending") for name in columns])


def tell_apart(reference: pa.Table, current: pa.Table, kinds: Mapping[str, str], *, seed: int) -> Domain | None:
    """Train a classifier to tell two samples apart; None if either has fewer than 50 rows.

    Parameters
    ----------
    kinds
        Column to ``number`` or ``category``.

    Notes
    -----
    Lopez-Paz, D. and Oquab, M. (2017), "Revisiting classifier two-sample tests", ICLR. Gradient-boosted trees, 5 folds;
    every row is scored by a model that did not see it, so that the area has DeLong's variance.
    """
    if min(len(reference), len(current)) < LEAST_ROWS:
        return None
    table = np.column_stack([_encode(reference[name], current[name], kind) for name, kind in kinds.items()])
    label = np.concatenate([np.zeros(len(reference)), np.ones(len(current))]).astype(np.int64)
    categorical = [kind == "category" for kind in kinds.values()]
    scores, shuffled = _out_of_fold(table, label, categorical, seed)
    auc = roc_auc(label, scores)
    drops = {name: auc.value - roc_auc(label, shuffled[:, place]).value for place, name in enumerate(kinds)}
    ordered = dict(sorted(drops.items(), key=lambda item: (-item[1], item[0])))
    return Domain(auc, ordered, (len(reference), len(current)))


def _out_of_fold(
    table: Floats, label: npt.NDArray[np.int64], categorical: Sequence[bool], seed: int
) -> tuple[Floats, Floats]:
    """(n,) scores, and (n, k) scores with one column shuffled at a time, each by the model that did not see the row."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    scores, shuffled = np.empty(len(label)), np.empty(table.shape)
    draw = np.random.default_rng(seed)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed % 2**32)
    # Threads wait for each other in a loop: on a busy machine, so many small steps take far longer with two than with one.
    with threadpool_limits(1):
        for train, test in folds.split(table, label):
            model = HistGradientBoostingClassifier(
                max_iter=_ROUNDS,
                max_leaf_nodes=_LEAVES,
                categorical_features=list(categorical),
                early_stopping=False,
                random_state=seed % 2**32,
            ).fit(table[train], label[train])
            scores[test] = model.decision_function(table[test])
            for place in range(table.shape[1]):
                mixed = table[test].copy()
                mixed[:, place] = draw.permutation(mixed[:, place])
                shuffled[test, place] = model.decision_function(mixed)
    return scores, shuffled


def _encode(first: pa.ChunkedArray, second: pa.ChunkedArray, kind: str) -> Floats:
    """Numbers as they are, categories as codes of the most frequent; what is missing is NaN."""
    values: list[Any] = [*first.to_pylist(), *second.to_pylist()]
    if kind == "number":
        plain = [None if value is None else _number(value) for value in values]
        numbers = np.array(plain, dtype=np.float64)
        return np.where(np.isfinite(numbers), numbers, np.nan)
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[str(value)] = counts.get(str(value), 0) + 1
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:_CATEGORIES]
    codes = {name: code for code, name in enumerate(frequent)}
    return np.array([np.nan if value is None else codes.get(str(value), len(frequent)) for value in values])


def _number(value: Any) -> float:
    """A number, or a date as days since the year 1."""
    if hasattr(value, "toordinal"):
        seconds = getattr(value, "hour", 0) * 3600 + getattr(value, "minute", 0) * 60 + getattr(value, "second", 0)
        return float(value.toordinal()) + seconds / 86400
    return float(value)
