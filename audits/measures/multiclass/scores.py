"""Probabilities of several classes: checked, then log loss and one-against-rest areas under the ROC curve. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from audits.auc import Auc, area_of, auc_interval
from audits.intervals import critical_value, mean_bootstrap
from audits.measurement import Measurement
from audits.measures.checked_numbers import check_numbers, number, probability_column
from audits.measures.multiclass.confusion import Confusion, labelled
from audits.measures.sums import SumSet
from audits.prediction_errors import PredictionsError
from audits.score_table import Integers
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.parameters import Parameters

SUM_TOLERANCE = 0.01
"""How far the probabilities of a row may be from adding up to 1: what rounding to two digits does."""

_FEW_ROWS = 200
_EDGE = float(np.finfo(np.float64).eps)
_LARGEST_LOSS = 37.0


def check_probabilities(engine: Engine, data: Data, parameters: Parameters, table: Confusion) -> None:
    """Check the classes' score columns.

    Raises
    ------
    InvalidInput
        If a class has no column.
    PredictionsError
        If a probability is missing or outside [0, 1], or those of a row do not add up to 1: naming how many rows.
    """
    lacking = [name for name in table.classes if name not in parameters.scores]
    if lacking:
        raise InvalidInput(
            f"no column is named for the probability of class {lacking[0]!r}; each class that occurs needs one",
            field="scores",
        )
    wanted = {f"s{i}": probability_column(column) for i, column in enumerate(parameters.scores.values())}
    rows, _ = check_numbers(engine, data, wanted)
    total = sum((number(engine, column) for column in parameters.scores.values()), start=_zero())
    wrong = engine.grouped((), {"wrong": ((total - 1.0).abs() > SUM_TOLERANCE).cast("int64").sum()}).columns()
    if count := int(wrong["wrong"][0] or 0):
        columns = ", ".join(map(repr, parameters.scores.values()))
        message = f"{data.name}: in {count:,} of {rows:,} rows the probabilities in {columns} do not add up to 1"
        raise PredictionsError(message, file=data.name, column=next(iter(parameters.scores.values())))


def score_measurements(engine: Engine, parameters: Parameters, table: Confusion, *, seed: int) -> Iterator[Measurement]:
    """``log_loss`` and ``roc_auc_score_ovr``, the latter per class (slice ``{"class": name}``) and as their plain mean.

    Notes
    -----
    The areas of the classes share rows and so are not independent; the standard error of their mean is taken as the mean of
    their standard errors, which is the largest it can be.
    """
    held_back = bool(engine.disclosure)
    areas = [] if held_back else [_area(engine, parameters, table, index) for index in range(len(table.classes))]
    for confidence in parameters.confidences:
        yield _log_loss(engine, parameters, table, confidence, seed)
        if held_back:
            yield _untold(table, confidence, engine.disclosure)
            continue
        yield _mean_area(table, areas, confidence)
        for name, area in zip(table.classes, areas, strict=True):
            yield _class_area(table, name, area, confidence)


def _zero() -> ibis.Value:
    import ibis

    return ibis.literal(0.0)


def _is_class(engine: Engine, parameters: Parameters, table: Confusion, index: int) -> ibis.Value:
    import ibis

    label = labelled(engine, parameters)[parameters.label]
    values = table.values[index]
    return label.isin(list(values)) if values else ibis.literal(value=False)


def _log_loss(engine: Engine, parameters: Parameters, table: Confusion, confidence: float, seed: int) -> Measurement:
    """``−log p`` of the class that occurred, clipped to [ε, 1 − ε] as scikit-learn does."""
    import ibis

    source = labelled(engine, parameters)
    chances = _zero()
    for index, name in enumerate(table.classes):
        column = source[parameters.scores[name]].cast("float64")
        chances = ibis.ifelse(_is_class(engine, parameters, table, index), column, chances)
    everybody = ibis.ifelse(source[parameters.label].isnull(), 0.0, 1.0)
    weight = everybody if parameters.weight is None else source[parameters.weight].cast("float64")
    chance = ibis.least(ibis.greatest(chances, ibis.literal(_EDGE)), ibis.literal(1.0 - _EDGE))
    loss, most = -chance.ln(), table.largest_weight
    if table.total < _FEW_ROWS and not engine.disclosure:
        counted = engine.grouped({"loss": loss, "weight": weight}, of=source).table
        losses, weights, counts = (np.asarray(counted[name], dtype=np.float64) for name in ("loss", "weight", "n"))
        order = np.lexsort((weights, losses))
        repeated = [np.repeat(part[order], counts[order].astype(np.int64)) for part in (losses, weights)]
        value = float(np.average(repeated[0], weights=repeated[1]))
        low, high = mean_bootstrap(repeated[0], repeated[1], confidence, seed=seed)
        method = "bootstrap-percentile"
    else:
        bound = _LARGEST_LOSS
        sums = SumSet(
            numbers={
                "w": (weight, most),
                "w2": (weight * weight, most**2),
                "l": (weight * loss, most * bound),
                "w2l": (weight * weight * loss, most**2 * bound),
                "w2l2": (weight * weight * loss * loss, most**2 * bound**2),
            }
        )
        found = {
            name: float(v[0]) for name, v in sums.read(engine.grouped((), sums.measures(), of=source).table).items()
        }
        value = found["l"] / found["w"]
        squares = found["w2l2"] - 2 * value * found["w2l"] + value**2 * found["w2"]
        half = critical_value(confidence) * sqrt(max(squares, 0.0) * found["n"] / max(found["n"] - 1, 1)) / found["w"]
        low, high, method = value - half, value + half, "delta"
    return Measurement(
        metric="log_loss",
        value=value,
        low=max(min(low, value), 0.0),
        high=max(high, value),
        n=table.total,
        method=method,
        confidence=confidence,
    )


def _area(engine: Engine, parameters: Parameters, table: Confusion, index: int) -> Auc | None:
    """Area under the ROC curve of one class against all others; ``None`` where no row is of the class."""
    from audits.score_counting import Scored, count_scores
    from audits.tensor import tensor_of_cells

    own = table.counts[index]
    if not own.sum():
        return None
    source = labelled(engine, parameters)
    is_class = _is_class(engine, parameters, table, index)
    parts = [np.array([part.sum() - part[index].sum(), part[index].sum()]) for part in (table.mass, table.squares)]
    counts = np.array([table.total - own.sum(), own.sum()], dtype=np.int64)
    scored = Scored(
        engine=engine,
        source=source,
        by={"label": is_class},
        label=is_class,
        place=_everybody,
        score=source[parameters.scores[table.classes[index]]].cast("float64"),
        weight=None if parameters.weight is None else source[parameters.weight].cast("float64"),
        largest=table.largest_weight,
        tensor=tensor_of_cells({}, [], np.array([0, 2]), counts, (parts[0], parts[1]) if table.weighted else None),
    )
    found = count_scores(scored)
    return None if found is None else area_of(found.bins())


def _everybody(counted: pa.Table) -> tuple[Integers, Integers]:
    label: Integers = np.asarray(counted["label"].to_numpy()).astype(np.int64)
    return np.zeros(len(label), dtype=np.int64), label


def _mean_area(table: Confusion, areas: Sequence[Auc | None], confidence: float) -> Measurement:
    there = [area for area in areas if area is not None]
    value = float(np.mean([area.value for area in there]))
    error = float(np.mean([sqrt(area.variance) for area in there]))
    off = float(np.mean([area.error for area in there]))
    joined = Auc(value, error**2, min(a.positives for a in there), min(a.negatives for a in there), off)
    low, high, method = auc_interval(joined, critical_value(confidence))
    absent = len(areas) - len(there)
    return Measurement(
        metric="roc_auc_score_ovr",
        value=value,
        low=low,
        high=high,
        n=table.total,
        method=f"{method}-mean",
        confidence=confidence,
        note=f"the mean over the {len(there)} classes that have rows" if absent else "",
    )


def _class_area(table: Confusion, name: str, area: Auc | None, confidence: float) -> Measurement:
    low, high, method = (None, None, "delong-logit") if area is None else auc_interval(area, critical_value(confidence))
    return Measurement(
        metric="roc_auc_score_ovr",
        slice={"class": name},
        value=None if area is None else area.value,
        low=low,
        high=high,
        n=table.total,
        method=method,
        confidence=confidence,
        note="undefined: no row is of this class" if area is None else "",
    )


def _untold(table: Confusion, confidence: float, disclosure: int) -> Measurement:
    return Measurement(
        metric="roc_auc_score_ovr",
        value=None,
        n=table.total,
        method="delong-logit-mean",
        confidence=confidence,
        note=f"held back: ranks rest on single rows, and groups of fewer than {disclosure} stay where they are",
    )
