"""``evaluate proxies``: how well features give away sensitive attributes. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names, numbers
from audits.measures.proxies.parameters import MOST_ROWS, Proxies, parse_proxies
from audits.report import Report, make_report

_DRAWN = 0.2


def run(inputs: Sequence[Data], parameters: Proxies, progress: Progress) -> Report:
    """Cross-validated areas of all features and of each, for every sensitive column."""
    from audits.measures.proxies.report import find_proxies

    progress(0.0, "drawing rows")
    with open_data(inputs[0]) as engine:
        measurements, series, warnings = find_proxies(
            engine, parameters, lambda done: progress(_DRAWN + done * (1 - _DRAWN), "predicting sensitive attributes")
        )
        return make_report(
            "proxies",
            measurements,
            origins=engine.origins,
            parameters=parameters.as_json(),
            engine=engine.name,
            series=[series],
            warnings=warnings,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate proxies``."""
    parser.add_argument("--features", required=True, type=names, metavar="A,B", help="columns that the model uses")
    parser.add_argument("--sensitive", required=True, type=names, metavar="A,B", help="columns that name groups")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--rows", type=int, default=MOST_ROWS, metavar="N", help="most rows to draw")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn at random")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("features", "sensitive", "key", "rows", "seed")
    return {**{name: getattr(args, name) for name in same}, "confidences": args.confidence}


KIND = Kind(
    name="proxies",
    help="how well features give away sensitive attributes",
    inputs=("data",),
    parse=parse_proxies,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
