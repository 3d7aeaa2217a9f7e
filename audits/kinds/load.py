"""``evaluate load``: how fast a model answers under stated load, and how much it bears. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.kinds.kind import NOT_GIVEN, Kind
from audits.kinds.model_options import add_model_arguments, model_of
from audits.kinds.model_origins import origins_of
from audits.kinds.prediction_inputs import names, numbers
from audits.load.parameters import BATCH_SIZE, RATE, SECONDS, LoadParameters, parse_load
from audits.measures.sampled_rows import sample_rows
from audits.report import Report, make_report
from registry.errors import InvalidInput

_ROWS = 4096
"""Rows of the test data that requests are made of."""


def open_model(*args: Any, **kwargs: Any) -> Any:
    """Open a model; imported late, since it loads numpy and pyarrow."""
    from audits.scoring.opening import open_model as open_it

    return open_it(*args, **kwargs)


def run(inputs: Sequence[Data], parameters: LoadParameters, progress: Progress) -> Report:
    """Offer load to the version's model, in turns with the champion's where that is given."""
    from audits.load.measuring import measure, opened
    from audits.load.report import measurements_of, series_of, warnings_of
    from audits.scoring.data import source_of

    model = dict(parameters.model) if parameters.model else None
    source = source_of(inputs[0], model)
    other = inputs[2] if len(inputs) > 2 and inputs[2] is not NOT_GIVEN else None  # noqa: PLR2004 - the third
    stated = dict(parameters.champion_model) if parameters.champion_model else model
    rival = None if other is None else source_of(other, stated)
    sources = [source] if rival is None else [source, rival]
    columns = list(dict.fromkeys(name for item in sources for name in item.interface.inputs))
    progress(0.0, "drawing rows")
    with open_data(inputs[1]) as engine:
        engine.require(*columns, field="test")
        engine.require(*parameters.key, field="key")
        sample = sample_rows(engine, columns, _ROWS, key=list(parameters.key), seed=parameters.seed)
        origins, counted_by = list(engine.origins), engine.name
    if not len(sample.table):
        raise InvalidInput("the test data have no rows", field="test")
    progress(0.0, "starting the model")
    with ExitStack() as stack:
        version = stack.enter_context(opened(open_model, source, sample.table, parameters, progress))
        champion = (
            None
            if rival is None
            else stack.enter_context(opened(open_model, rival, sample.table, parameters, progress))
        )
        measured = measure(version, champion, parameters, progress)
    return make_report(
        "load",
        measurements_of(measured, parameters),
        origins=[*(origin for item in sources for origin in origins_of(item)), *origins],
        parameters=parameters.as_json(),
        engine=counted_by,
        series=series_of(measured, parameters),
        warnings=warnings_of(measured),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate load``."""
    add_model_arguments(parser)
    parser.add_argument("--rates", type=numbers, default=[RATE], metavar="X,Y", help="requests per second")
    parser.add_argument(
        "--batch-sizes", type=numbers, default=[float(BATCH_SIZE)], metavar="N,M", help="rows of a request"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S", help="how long each rate is offered with each size"
    )
    parser.add_argument("--arrivals", choices=("poisson", "uniform"), default="poisson")
    parser.add_argument(
        "--connections", type=int, metavar="N", help="requests on their way at once (1; to an endpoint 32)"
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="then whoever asked has gone away")
    parser.add_argument("--confidence", type=float, default=0.95, metavar="X", help="coverage of the intervals")
    parser.add_argument("--no-saturation", action="store_true", help="do not look for the most that it bears")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rows drawn and the arrivals")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("rates", "seconds", "arrivals", "connections", "timeout", "key", "seed")
    return {
        **{name: getattr(args, name) for name in same},
        "batch_sizes": [int(size) if size == int(size) else size for size in args.batch_sizes],
        "confidences": [args.confidence],
        "saturation": not args.no_saturation,
        "model": model_of(args),
    }


KIND = Kind(
    name="load",
    help="latency, throughput, saturation and memory of a model under load",
    inputs=("model", "test"),
    optional=("champion",),
    parse=parse_load,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
