"""What ``evaluate performance`` says of each task beyond the rates of a binary decision. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from audits.kinds.addition import Addition

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.measurement import Measurement
    from audits.parameters import Parameters

    Step = Callable[[float], None]

_SCORE_METRICS = (
    "roc_auc_score",
    "log_loss",
    "brier_score_loss",
    "average_precision_score",
    "expected_calibration_error",
    "calibration_slope",
    "calibration_intercept",
)


def of_binary(engine: Engine, data: Data, parameters: Parameters, counted: Counted, step: Step) -> Addition:
    """Correlation, average precision, calibration, threshold curve, and the worst slices of a binary decision."""
    from audits.measures.score_report import score_measurements, score_series
    from audits.measures.slices.tasks import search_binary

    measurements = [_matthews(counted, confidence) for confidence in parameters.confidences]
    series = []
    if counted.scores is not None:
        bins = counted.scores.margin(()).bins()
        measurements += score_measurements(bins, parameters.confidences, seed=parameters.seed)
        series += score_series(bins, parameters.confidences[0])
    elif parameters.score is not None:
        measurements += [
            _held_back(metric, counted, confidence)
            for confidence in parameters.confidences
            for metric in _SCORE_METRICS
        ]
    if parameters.slices:
        cells = counted.tensor.margin(()).weights[0]
        accuracy = float((cells[0] + cells[3]) / cells.sum())
        found = search_binary(engine, data, parameters, rows=counted.tensor.total, accuracy=accuracy, step=step)
        measurements += found.measurements
        series += found.series
    return Addition(measurements=tuple(measurements), series=tuple(series))


def of_multiclass(engine: Engine, data: Data, parameters: Parameters, step: Step) -> Addition:
    """All that is said of one of several classes."""
    from audits.measures.multiclass.confusion import count_confusion
    from audits.measures.multiclass.metrics import confusion_measurements, confusion_series
    from audits.measures.multiclass.scores import check_probabilities, score_measurements
    from audits.measures.slices.tasks import search_multiclass

    table = count_confusion(engine, data, parameters)
    if parameters.scores:
        check_probabilities(engine, data, parameters, table)
    measurements = [*confusion_measurements(table, parameters.confidences)]
    series = [] if table.suppressed else [confusion_series(table)]
    if parameters.scores:
        measurements += score_measurements(engine, parameters, table, seed=parameters.seed)
    if parameters.slices:
        found = search_multiclass(engine, data, parameters, table, step=step)
        measurements += found.measurements
        series += found.series
    return Addition(measurements=tuple(measurements), series=tuple(series))


def of_regression(engine: Engine, data: Data, parameters: Parameters, step: Step) -> Addition:
    """All that is said of predicted numbers."""
    from audits.measures.regression.metrics import regression_measurements
    from audits.measures.regression.moments import checked_rows, moments_of
    from audits.measures.regression.shapes import calibration_series, residual_series
    from audits.measures.slices.tasks import search_regression

    rows = checked_rows(engine, data, parameters)
    moments = moments_of(rows)
    measurements = [*regression_measurements(rows, moments, confidences=parameters.confidences, seed=parameters.seed)]
    series = [residual_series(rows, moments), calibration_series(rows, moments, parameters.confidences[0])]
    if parameters.slices:
        found = search_regression(engine, data, parameters, moments, largest_weight=rows.largest_weight, step=step)
        measurements += found.measurements
        series += found.series
    return Addition(measurements=tuple(measurements), series=tuple(series))


def _matthews(counted: Counted, confidence: float) -> Measurement:
    from audits.measures.multiclass.metrics import matthews_measurement

    if counted.suppressed:
        return _held_back("matthews_corrcoef", counted, confidence)
    overall = counted.tensor.margin(())
    squares = overall.counts if overall.squares is None else overall.squares
    return matthews_measurement(
        overall.weights[0].reshape(2, 2), squares[0].reshape(2, 2).astype(float), overall.total, confidence
    )


def _held_back(metric: str, counted: Counted, confidence: float) -> Measurement:
    from audits.measurement import Measurement

    note = counted.held_back or f"held back: fewer than {counted.disclosure} rows at some scores"
    return Measurement(metric=metric, value=None, n=0, method="none", confidence=confidence, note=note)
