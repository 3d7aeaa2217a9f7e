"""scikit-learn's metrics of several classes from the confusion table, with an interval each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np

from audits.intervals import Floats, critical_value, f1_interval, mover_mean, wilson
from audits.measurement import Measurement
from audits.measures.multiclass.confusion import Confusion
from audits.measures.thresholds import matthews
from audits.measures.weighted_shares import effective, share
from audits.series import Series

_UNDEFINED = {
    "precision_score": "undefined: the class was never predicted",
    "recall_score": "undefined: no row is of this class",
}


def confusion_measurements(table: Confusion, confidences: Sequence[float]) -> Iterator[Measurement]:
    """``accuracy_score``, ``balanced_accuracy_score``, ``f1_score_macro``, ``f1_score_weighted``, ``matthews_corrcoef``, and per class (slice ``{"class": name}``) ``count``, ``precision_score``, ``recall_score``, ``f1_score``.

    Where small cells were held back nothing that rests on them is known, and each says so.

    Notes
    -----
    Accuracy, precision and recall: Wilson, on Kish's effective size where rows are weighted. F1 of a class: Wilson of the
    Jaccard index, see :func:`audits.intervals.f1_interval`. Balanced accuracy: variance recovery from the recalls' Wilson
    limits. Macro and weighted F1: the delta method over the cells of the table (Takahashi, Yamamoto, Kuchiba and Koyama
    2022, Applied Intelligence 52, 4961–4972) on the logit scale, as the bootstrap over rows in the limit.
    """
    for confidence in confidences:
        z = critical_value(confidence)
        for found in _at(table, confidence, z):
            if table.suppressed:
                note = f"held back: {table.suppressed} cells have too few rows to be told"
                yield replace(found, value=None, low=None, high=None, n=0, note=note)
            else:
                yield found


def _at(table: Confusion, confidence: float, z: float) -> Iterator[Measurement]:
    yield _count({}, table.total, confidence)
    yield _rate("accuracy_score", {}, np.eye(len(table.classes)), np.ones_like(table.mass), table, confidence, z)
    yield _balanced(table, confidence, z)
    yield _mean_f1("f1_score_macro", table, confidence, z)
    yield _mean_f1("f1_score_weighted", table, confidence, z)
    yield _matthews(table, confidence, z)
    for index, name in enumerate(table.classes):
        row, column, own = (np.zeros_like(table.mass) for _ in range(3))
        row[index], column[:, index], own[index, index] = 1, 1, 1
        where = {"class": name}
        yield _count(where, int(table.counts[index].sum()), confidence)
        yield _rate("precision_score", where, own, column, table, confidence, z)
        yield _rate("recall_score", where, own, row, table, confidence, z)
        yield _class_f1(where, own, np.maximum(row, column), table, confidence, z)


def _count(where: dict[str, str], rows: int, confidence: float) -> Measurement:
    return Measurement(
        metric="count", slice=where, value=float(rows), n=rows, method="exact count", confidence=confidence
    )


def _sizes(table: Confusion, cells: Floats) -> tuple[float, float, int]:
    """Weight, effective rows and rows of the chosen cells."""
    mass, squares = float((table.mass * cells).sum()), float((table.squares * cells).sum())
    return mass, float(effective(mass, squares)), int((table.counts * cells).sum())


def _method(table: Confusion) -> str:
    return "wilson-kish" if table.weighted else "wilson"


def _rate(
    metric: str, where: dict[str, str], part: Floats, of: Floats, table: Confusion, confidence: float, z: float
) -> Measurement:
    mass, size, rows = _sizes(table, of)
    if not rows:
        return Measurement(
            metric=metric,
            slice=where,
            value=None,
            n=0,
            method=_method(table),
            confidence=confidence,
            note=_UNDEFINED.get(metric, ""),
        )
    value = float((table.mass * part).sum()) / mass
    low, high = wilson(value * size, size, z)
    return Measurement(
        metric=metric,
        slice=where,
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=rows,
        method=_method(table),
        confidence=confidence,
    )


def _class_f1(
    where: dict[str, str], own: Floats, union: Floats, table: Confusion, confidence: float, z: float
) -> Measurement:
    mass, size, rows = _sizes(table, union)
    jaccard = float((table.mass * own).sum()) / mass
    low, high = f1_interval(jaccard * size, (1 - jaccard) * size, z)
    return Measurement(
        metric="f1_score",
        slice=where,
        value=2 * jaccard / (1 + jaccard),
        low=float(low),
        high=float(high),
        n=rows,
        method=_method(table) + "-jaccard",
        confidence=confidence,
    )


def _balanced(table: Confusion, confidence: float, z: float) -> Measurement:
    whole = table.mass.sum(axis=1)
    there = whole > 0
    recall = share(np.diag(table.mass), whole)[there]
    size = effective(whole, table.squares.sum(axis=1))[there]
    low, high = mover_mean(recall, *wilson(recall * size, size, z))
    absent = int((~there).sum())
    return Measurement(
        metric="balanced_accuracy_score",
        value=float(recall.mean()),
        low=low,
        high=high,
        n=table.total,
        method="mover-wilson",
        confidence=confidence,
        note=f"over the {int(there.sum())} classes that have rows; {absent} are predicted only" if absent else "",
    )


def _mean_f1(metric: str, table: Confusion, confidence: float, z: float) -> Measurement:
    value, slope = mean_f1(table.mass, weighted=metric == "f1_score_weighted")
    variance = float((table.squares * slope**2).sum())
    size = float(effective(table.mass.sum(), table.squares.sum()))
    if variance > 0 and 0 < value < 1:
        centre, half = log(value / (1 - value)), z * sqrt(variance) / (value * (1 - value))
        low, high = 1 / (1 + exp(min(half - centre, 700.0))), 1 / (1 + exp(-centre - half))
        method = "delta-logit"
    else:
        limits = wilson(value * size, size, z)
        low, high, method = float(limits[0]), float(limits[1]), _method(table)
    return Measurement(
        metric=metric,
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=table.total,
        method=method,
        confidence=confidence,
    )


def mean_f1(mass: Floats, *, weighted: bool) -> tuple[float, Floats]:
    """The mean of the classes' F1, plain or weighted by how often each class occurs, and its (C, C) derivative by each cell."""
    rows, columns, whole = mass.sum(axis=1), mass.sum(axis=0), mass.sum()
    both = rows + columns
    f1 = 2 * np.diag(mass) / both
    importance = rows / whole if weighted else np.full(len(rows), 1 / len(rows))
    part = importance / both
    slope = np.diag(2 * part) - (part * f1)[:, None] - (part * f1)[None, :]
    value = float(importance @ f1)
    if weighted:
        slope = slope + f1[:, None] / whole - value / whole
    return value, slope


def _matthews(table: Confusion, confidence: float, z: float) -> Measurement:
    return matthews_measurement(table.mass, table.squares, table.total, confidence)


def matthews_measurement(mass: Floats, squares: Floats, n: int, confidence: float) -> Measurement:
    """``matthews_corrcoef`` of a (C, C) table of weights by label and prediction."""
    found = matthews(mass, squares, critical_value(confidence))
    value, low, high = (None, None, None) if found is None else map(float, found)
    return Measurement(
        metric="matthews_corrcoef",
        value=value,
        low=low,
        high=high,
        n=n,
        method="delta-fisher",
        confidence=confidence,
        note="undefined: labels or predictions are all of one class" if found is None else "",
    )


def confusion_series(table: Confusion) -> Series:
    """``confusion_matrix``: one row per class that happened, one column of rows per class that was predicted."""
    return Series(
        name="confusion_matrix",
        title="Rows by class that happened and class that was predicted",
        columns=("label", *(f"predicted {name}" for name in table.classes), "n"),
        rows=tuple(
            (name, *counts, int(sum(counts))) for name, counts in zip(table.classes, table.counts.tolist(), strict=True)
        ),
    )
