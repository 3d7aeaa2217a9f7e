"""``evaluate remedy``: what thresholds by group, or training for parity, would do to parity and accuracy. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    names,
    numbers,
    open_predictions,
    prediction_parameters,
    unknown_groups,
)
from audits.measures.remedy.parameters import MOST_ROWS, RemedyParameters, parse_remedy
from audits.report import Report, make_report

_COUNTED, _SEARCHED = 0.3, 0.5
_HELD_BACK = "counts are held back, so no threshold can be searched"


def run(inputs: Sequence[Data], parameters: RemedyParameters, progress: Progress) -> Report:
    """Measures as decided now and after each remedy, by every set of sensitive columns."""
    from audits.counted import count_predictions
    from audits.measures.remedy.report import by_thresholds, by_training

    asked = parameters.predictions
    sizes = range(1, len(asked.sensitive) + 1) if asked.intersections else [1]
    over = asked.over or tuple(group for size in sizes for group in combinations(asked.sensitive, size))
    columns = list(dict.fromkeys(column for group in over for column in group))
    progress(0.0, "counting rows by group")
    with open_predictions(inputs[0], asked) as engine:
        counted = count_predictions(engine, asked, columns, data=inputs[0], losses=False)
        progress(_COUNTED, "searching thresholds")
        parts = [by_thresholds(counted, group, parameters) for group in over]
        for done, group in enumerate(over if parameters.features else ()):
            progress(_SEARCHED + done / len(over) * (1 - _SEARCHED), "training for parity")
            parts.append(by_training(engine, group, parameters))
        warnings = unknown_groups([counted])
        if counted.scores is None:
            warnings.append(f"{_HELD_BACK}: {counted.held_back}")
        return make_report(
            "remedy",
            [measurement for part in parts for measurement in part[0]],
            origins=counted.origins,
            parameters=parameters.as_json(),
            engine=counted.engine,
            series=[series for part in parts for series in part[1]],
            warnings=warnings,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate remedy``."""
    parser.add_argument("--sensitive", required=True, type=names, metavar="A,B", help="columns that name groups")
    parser.add_argument("--intersections", action="store_true", help="cross the sensitive columns as well")
    parser.add_argument(
        "--minimum-group", type=numbers, default=[0.0], metavar="SHARE", help="smaller groups keep their decisions"
    )
    parser.add_argument("--features", type=names, default=[], metavar="A,B", help="columns to train models on")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--rows", type=int, default=MOST_ROWS, metavar="N", help="most rows to train and measure on")
    add_prediction_arguments(parser)


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("sensitive", "intersections", "features", "key", "rows")
    return {
        **prediction_parameters(args),
        **{name: getattr(args, name) for name in same},
        "minimum_groups": args.minimum_group,
    }


KIND = Kind(
    name="remedy",
    help="what thresholds by group, or training for parity, would do",
    inputs=("data",),
    parse=parse_remedy,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
