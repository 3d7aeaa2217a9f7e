"""``evaluate fairness``: how a model treats groups and their intersections. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    names,
    numbers,
    origins,
    prediction_parameters,
    read,
    unknown_groups,
)
from audits.parameters import Parameters, parse_parameters
from audits.report import Report, make_report
from registry.errors import InvalidInput

_READ, _COUNTED, _MEASURED = 0.5, 0.6, 0.95


def run(inputs: Sequence[Data], parameters: Parameters, progress: Progress) -> Report:
    """Rates per group, and ratios and differences over groups, of one file of predictions."""
    from audits.fairness import measure_fairness
    from audits.tensor import count

    over = parameters.over or _column_sets(parameters)
    columns = list(dict.fromkeys(column for group in over for column in group))
    if not columns:
        raise InvalidInput("name at least one sensitive column", field="sensitive")
    progress(0.0, "reading predictions")
    predictions = read(inputs[0], parameters, columns)
    progress(_READ, f"counting {len(predictions):,} rows")
    tensor = count(predictions)

    def step(done: float) -> None:
        progress(_COUNTED + done * (_MEASURED - _COUNTED), "measuring groups")

    measurements = measure_fairness(
        predictions,
        tensor,
        over=over,
        confidences=parameters.confidences,
        minimum_groups=parameters.minimum_groups,
        step=step,
    )
    return make_report(
        "fairness",
        measurements,
        origins=origins([predictions]),
        parameters=parameters.as_json(),
        warnings=unknown_groups([predictions]),
        extra={"tensor": {"sha256": tensor.digest, **tensor.as_json()}},
    )


def _column_sets(parameters: Parameters) -> tuple[tuple[str, ...], ...]:
    """Each sensitive column alone and, where asked, every combination of two or more of them."""
    sizes = range(1, len(parameters.sensitive) + 1) if parameters.intersections else [1]
    return tuple(group for size in sizes for group in combinations(parameters.sensitive, size))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate fairness``."""
    parser.add_argument("--sensitive", required=True, type=names, metavar="A,B", help="columns that name groups")
    parser.add_argument("--intersections", action="store_true", help="cross the sensitive columns as well")
    parser.add_argument(
        "--minimum-group", type=numbers, default=[0.0], metavar="SHARE", help="leave smaller groups out of ratios"
    )
    add_prediction_arguments(parser)


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {
        **prediction_parameters(args),
        "sensitive": args.sensitive,
        "intersections": args.intersections,
        "minimum_groups": args.minimum_group,
    }


KIND = Kind(
    name="fairness",
    help="rates per group, ratios and differences over groups",
    inputs=("data",),
    parse=partial(parse_parameters, kind="fairness"),
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
