"""``evaluate comparison``: challenger minus champion, paired on the same rows. Pure of Django."""

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

_READ = 0.5


def run(inputs: Sequence[Data], parameters: Parameters, progress: Progress) -> Report:
    """Differences between a challenger's and the champion's predictions."""
    from audits.comparison import compare

    progress(0.0, "reading the challenger's predictions")
    challenger = read(inputs[0], parameters, parameters.sensitive)
    progress(_READ / 2, "reading the champion's predictions")
    champion = read(inputs[1], parameters.of_champion(), parameters.sensitive)
    progress(_READ, "comparing")
    measurements, warnings = compare(challenger, champion, confidences=parameters.confidences, seed=parameters.seed)
    both = [challenger, champion]
    return make_report(
        "comparison",
        measurements,
        origins=origins(both),
        parameters=parameters.as_json(),
        warnings=[*warnings, *unknown_groups(both)],
    )


KIND = Kind(
    name="comparison",
    help="challenger minus champion, paired on the same rows",
    inputs=("challenger", "champion"),
    parse=partial(parse_parameters, kind="comparison"),
    run=run,
    add_arguments=add_prediction_arguments,
    parameters_of=prediction_parameters,
)
