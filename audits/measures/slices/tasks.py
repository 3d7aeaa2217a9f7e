"""What slices are judged by for each task, and the search for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.measures.checked_numbers import check_numbers, weight_column
from audits.measures.slices.axes import Cut, cut_by
from audits.measures.slices.metrics import SliceMetric
from audits.measures.slices.report import least_rows, slice_measurements, slice_series
from audits.measures.slices.search import find_worst
from audits.prediction_columns import class_text
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.measurement import Measurement
    from audits.measures.multiclass.confusion import Confusion
    from audits.measures.regression.moments import Moments
    from audits.parameters import Parameters
    from audits.series import Series

_LARGEST_LOSS = 37.0
_EDGE = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Measurements and series of the worst slices."""

    measurements: tuple[Measurement, ...]
    series: tuple[Series, ...]


def search_binary(
    engine: Engine,
    data: Data,
    parameters: Parameters,
    *,
    rows: int,
    accuracy: float,
    step: Callable[[float], None] | None = None,
) -> Searched:
    """Worst slices by accuracy, recall, false positive rate and, where there is a score, log loss.

    Parameters
    ----------
    rows, accuracy
        Of everybody, as counted before.

    Raises
    ------
    InvalidInput
        If a column of slices is not there, has another part already, or cannot be cut.
    PredictionsError
        If the rows are not those that were counted before.
    """
    cut, weight = _cut(engine, parameters, (parameters.label, parameters.prediction))
    label = _truth(cut, parameters.label, parameters.positive)
    prediction = _truth(cut, parameters.prediction, parameters.positive)
    largest = _largest_weight(engine, data, parameters)

    def rate(name: str, of: ibis.Value | None, value: ibis.Value, *, better: bool = True) -> SliceMetric:
        return SliceMetric(
            name=name, of=of, value=value, weight=weight, higher_is_better=better, largest_weight=largest
        )

    metrics = [
        rate("accuracy_score", None, label == prediction),
        rate("recall_score", label, prediction),
        rate("false_positive_rate", ~label, prediction, better=False),
    ]
    if parameters.score is not None and engine.columns[parameters.score] in ("number", "integer"):
        metrics.append(_loss("log_loss", _log_loss(cut, parameters.score, label), weight, largest, _LARGEST_LOSS))
    return _search(cut, data, parameters, metrics, rows=rows, overall=accuracy, step=step)


def search_multiclass(
    engine: Engine,
    data: Data,
    parameters: Parameters,
    table: Confusion,
    *,
    step: Callable[[float], None] | None = None,
) -> Searched:
    """Worst slices by accuracy, of several classes."""
    import ibis

    cut, weight = _cut(engine, parameters, (parameters.label, parameters.prediction))
    label, prediction = cut.source[parameters.label], cut.source[parameters.prediction]
    right = [
        label.isin(list(one)) & prediction.isin(list(two))
        for one, two in zip(table.values, table.predicted, strict=True)
        if one and two
    ]
    metric = SliceMetric(
        name="accuracy_score", of=None, value=ibis.or_(*right), weight=weight, largest_weight=table.largest_weight
    )
    overall = float(table.mass.trace() / table.mass.sum())
    return _search(cut, data, parameters, [metric], rows=table.total, overall=overall, step=step)


def search_regression(
    engine: Engine,
    data: Data,
    parameters: Parameters,
    moments: Moments,
    *,
    largest_weight: float,
    step: Callable[[float], None] | None = None,
) -> Searched:
    """Worst slices by mean absolute error."""
    cut, weight = _cut(engine, parameters, ())
    label, prediction = (cut.source[c].cast("float64") for c in (parameters.label, parameters.prediction))
    largest = max(abs(moments.low), abs(moments.high))
    metric = _loss("mean_absolute_error", (prediction - label).abs(), weight, largest_weight, largest)
    overall = moments.sums["w_a"] / moments.sums["w"]
    return _search(cut, data, parameters, [metric], rows=moments.rows, overall=overall, step=step)


def _search(
    cut: Cut,
    data: Data,
    parameters: Parameters,
    metrics: Sequence[SliceMetric],
    *,
    rows: int,
    overall: float,
    step: Callable[[float], None] | None,
) -> Searched:
    least = least_rows(rows, parameters.minimum_groups[0])
    found = find_worst(cut, metrics, confidences=parameters.confidences, least_rows=least, step=step)
    again = found[0].overall
    if again is None or abs(again - overall) > 1e-9 * max(abs(overall), 1.0):
        message = f"{data.name}: changed while it was counted; count it again"
        raise PredictionsError(message, file=data.name)
    return Searched(measurements=tuple(slice_measurements(found, cut.axes)), series=tuple(slice_series(found)))


def _cut(engine: Engine, parameters: Parameters, as_written: Sequence[str]) -> tuple[Cut, ibis.Value | None]:
    """The table cut by the columns asked for, and its weights."""
    parts = {parameters.label: "label", parameters.prediction: "prediction", parameters.score: "score"}
    parts |= {parameters.weight: "weight"}
    for column in parameters.slices:
        if column in parts:
            raise InvalidInput(
                f"column {column!r} is named both as {parts[column]} and among slices; slices need others",
                field="slices",
            )
    cut = cut_by(engine, parameters.slices, as_written=as_written, most_levels=parameters.max_groups)
    weight = None if parameters.weight is None else cut.source[parameters.weight].cast("float64")
    return cut, weight


def _largest_weight(engine: Engine, data: Data, parameters: Parameters) -> float:
    if parameters.weight is None:
        return 1.0
    _, ranges = check_numbers(engine, data, {"weight": weight_column(parameters.weight)})
    return ranges["weight"].high


def _loss(
    name: str, value: ibis.Value, weight: ibis.Value | None, largest_weight: float, largest: float
) -> SliceMetric:
    return SliceMetric(
        name=name,
        of=None,
        value=value,
        weight=weight,
        rate=False,
        higher_is_better=False,
        largest=largest,
        largest_weight=largest_weight,
    )


def _log_loss(cut: Cut, score: str, label: ibis.Value) -> ibis.Value:
    """``−log p`` of the class that occurred, clipped to [ε, 1 − ε] as scikit-learn does."""
    import ibis

    chance = cut.source[score].cast("float64")
    occurred = ibis.ifelse(label, chance, 1.0 - chance)
    return -ibis.least(ibis.greatest(occurred, ibis.literal(_EDGE)), ibis.literal(1.0 - _EDGE)).ln()


def _truth(cut: Cut, column: str, positive: str | None) -> ibis.Value:
    """Whether the column holds the positive class, by the rules of the row reader for what means 1."""
    wanted = class_text("1" if positive is None else positive)
    counted = cut.engine.grouped({"value": cut.source[column]}, of=cut.source).columns()
    values: list[Any] = [value for value in counted["value"] if value is not None and class_text(str(value)) == wanted]
    if not values:
        # Nothing was predicted positive: true nowhere.
        return cut.source[column].isnull()
    return cut.source[column].isin(values)
