"""``evaluate performance``: how well a model predicts, over everybody. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    origins,
    prediction_parameters,
    read,
    unknown_groups,
)
from audits.parameters import Parameters, parse_parameters
from audits.report import Report, make_report

_READ, _COUNTED = 0.5, 0.6


def run(inputs: Sequence[Data], parameters: Parameters, progress: Progress) -> Report:
    """Overall performance of one file of predictions."""
    from audits.performance import measure_performance
    from audits.tensor import count

    progress(0.0, "reading predictions")
    predictions = read(inputs[0], parameters, ())
    progress(_READ, f"counting {len(predictions):,} rows")
    tensor = count(predictions)
    progress(_COUNTED, "measuring")
    measurements = measure_performance(predictions, tensor, confidences=parameters.confidences, seed=parameters.seed)
    return make_report(
        "performance",
        measurements,
        origins=origins([predictions]),
        parameters=parameters.as_json(),
        warnings=unknown_groups([predictions]),
        extra={"tensor": {"sha256": tensor.digest, **tensor.as_json()}},
    )


KIND = Kind(
    name="performance",
    help="accuracy, precision, recall, F1, ROC AUC, log loss, Brier",
    inputs=("data",),
    parse=partial(parse_parameters, kind="performance"),
    run=run,
    add_arguments=add_prediction_arguments,
    parameters_of=prediction_parameters,
)
