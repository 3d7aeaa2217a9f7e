"""``evaluate fairness``: how a model treats groups and their intersections. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data
from audits.engines.port import Engine, Progress
from audits.engines.watching import watched
from audits.kinds.addition import Addition
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    names,
    numbers,
    open_predictions,
    prediction_parameters,
    unknown_groups,
)
from audits.parameters import TASKS, Parameters, parse_parameters
from audits.report import Report, make_report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.measurement import Measurement

_COUNTED, _MEASURED, _CHECKED = 0.7, 0.85, 0.95


def run(inputs: Sequence[Data], parameters: Parameters, progress: Progress) -> Report:
    """Rates per group, and ratios and differences over groups, of one set of predictions."""
    from audits.counted import count_predictions
    from audits.kinds.fairness_extensions import extend

    over = parameters.over or _column_sets(parameters)
    columns = list(dict.fromkeys(column for group in over for column in group))
    if not columns:
        raise InvalidInput("name at least one sensitive column", field="sensitive")
    progress(0.0, "counting rows by group")
    with open_predictions(inputs[0], parameters) as engine:
        if parameters.task != TASKS[0]:
            return _of_extension(engine, parameters, extend(engine, inputs[0], parameters, over, None))
        passes = 2 + bool(parameters.weight) + 2 * bool(parameters.score)
        with watched(engine, progress, 0.0, _COUNTED, "counting rows by group", passes=passes):
            counted = count_predictions(engine, parameters, columns, data=inputs[0], losses=False)
        progress(_COUNTED, f"measuring groups among {counted.tensor.total:,} rows")
        measurements, checked = _measure(counted, parameters, over, progress)
        progress(_CHECKED, "measuring beyond rates")
        added = extend(engine, inputs[0], parameters, over, counted)
    return make_report(
        "fairness",
        [*measurements, *added.measurements],
        origins=counted.origins,
        parameters=parameters.as_json(),
        engine=counted.engine,
        warnings=[*unknown_groups([counted]), *added.warnings],
        series=added.series,
        extra={"tensor": {"sha256": counted.tensor.digest, **counted.tensor.as_json()}, **checked, **added.extra},
    )


def _measure(
    counted: Counted, parameters: Parameters, over: Sequence[Sequence[str]], progress: Progress
) -> tuple[list[Measurement], dict[str, str]]:
    """The measurements, and what the report says of their comparison with fairlearn's."""
    from audits.cross_check import cross_check
    from audits.fairness import measure_fairness

    measurements = measure_fairness(
        counted,
        over=over,
        confidences=parameters.confidences,
        minimum_groups=parameters.minimum_groups,
        seed=parameters.seed,
        step=lambda done: progress(_COUNTED + done * (_MEASURED - _COUNTED), "measuring groups"),
    )
    if counted.suppressed or not parameters.cross_check:
        return measurements, {}
    return measurements, {"cross_check": cross_check(counted.tensor, over)}


def _of_extension(engine: Engine, parameters: Parameters, added: Addition) -> Report:
    return make_report(
        "fairness",
        added.measurements,
        origins=engine.origins,
        parameters=parameters.as_json(),
        engine=engine.name,
        warnings=added.warnings,
        series=added.series,
        extra=added.extra,
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
    parser.add_argument(
        "--no-cross-check", action="store_true", help="do not compare the rates of groups with fairlearn's"
    )
    parser.add_argument("--task", choices=TASKS, default=TASKS[0], help="what labels and predictions are")
    parser.add_argument(
        "--population",
        type=population,
        action="append",
        default=[],
        metavar="COLUMN:GROUP=SHARE,...",
        help="shares of the population that the groups of a column should represent; may be repeated",
    )
    add_prediction_arguments(parser)


def population(text: str) -> tuple[str, dict[str, float]]:
    """A column with its groups' shares, ``race:black=0.13,white=0.87``, as an argparse type."""
    column, _, listed = text.partition(":")
    try:
        shares = {group: float(share) for group, _, share in (part.rpartition("=") for part in listed.split(","))}
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not like race:black=0.13,white=0.87") from error
    if not column or not all(shares):
        raise argparse.ArgumentTypeError(f"{text!r} is not like race:black=0.13,white=0.87")
    return column, shares


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {
        **prediction_parameters(args),
        "sensitive": args.sensitive,
        "intersections": args.intersections,
        "minimum_groups": args.minimum_group,
        "cross_check": not args.no_cross_check,
        "task": args.task,
        "population": dict(args.population),
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
