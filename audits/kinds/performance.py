"""``evaluate performance``: how well a model predicts, over everybody and in the worst slices. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Engine, Progress
from audits.engines.watching import watched
from audits.kinds.addition import Addition
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    names,
    open_predictions,
    prediction_parameters,
    unknown_groups,
)
from audits.parameters import TASKS, Parameters, parse_parameters
from audits.report import Report, make_report
from registry.errors import InvalidInput

BINARY, MULTICLASS, REGRESSION = TASKS
_COUNTED = 0.5
_OF_TASK = {
    "score": (BINARY,),
    "positive": (BINARY,),
    "scores": (MULTICLASS,),
}
"""Parameter to the tasks in which it means something."""


def parse(given: Mapping[str, Any]) -> Parameters:
    """Check the parameters.

    Raises
    ------
    InvalidInput
        Naming the one that is wrong, or that means nothing for the task.
    """
    parameters = parse_parameters(given, "performance")
    for name, tasks in _OF_TASK.items():
        if getattr(parameters, name) and parameters.task not in tasks:
            raise InvalidInput(f"{name} means nothing for the task {parameters.task}; leave it out", field=name)
    if parameters.slices and parameters.disclosure:
        raise InvalidInput("slices cannot be searched while small groups are held back (disclosure)", field="slices")
    return parameters


def run(inputs: Sequence[Data], parameters: Parameters, progress: Progress) -> Report:
    """Overall performance of one set of predictions."""
    from audits.kinds.performance_extensions import of_multiclass, of_regression

    progress(0.0, "counting rows")
    with open_predictions(inputs[0], parameters) as engine:
        if parameters.task == BINARY:
            return _binary(engine, inputs[0], parameters, progress)
        extend = of_multiclass if parameters.task == MULTICLASS else of_regression
        added = extend(engine, inputs[0], parameters, lambda done: progress(_COUNTED * (1 + done), "searching slices"))
        return _report(engine, parameters, added)


def _binary(engine: Engine, data: Data, parameters: Parameters, progress: Progress) -> Report:
    from audits.counted import count_predictions
    from audits.kinds.performance_extensions import of_binary
    from audits.performance import measure_performance

    passes = 2 + bool(parameters.weight) + 2 * bool(parameters.score)
    with watched(engine, progress, 0.0, _COUNTED, "counting rows", passes=passes):
        counted = count_predictions(engine, parameters, (), data=data)
    progress(_COUNTED, f"measuring {counted.tensor.total:,} rows")
    core = measure_performance(counted, confidences=parameters.confidences, seed=parameters.seed)
    added = of_binary(
        engine, data, parameters, counted, lambda done: progress(_COUNTED * (1 + done), "searching slices")
    )
    return make_report(
        "performance",
        [*core, *added.measurements],
        origins=counted.origins,
        parameters=parameters.as_json(),
        engine=counted.engine,
        warnings=[*unknown_groups([counted]), *added.warnings],
        series=added.series,
        extra={"tensor": {"sha256": counted.tensor.digest, **counted.tensor.as_json()}},
    )


def _report(engine: Engine, parameters: Parameters, added: Addition) -> Report:
    return make_report(
        "performance",
        added.measurements,
        origins=engine.origins,
        parameters=parameters.as_json(),
        engine=engine.name,
        warnings=added.warnings,
        series=added.series,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate performance``."""
    parser.add_argument(
        "--task", choices=TASKS, default=BINARY, help="what is predicted: a yes or no, a class, a number"
    )
    parser.add_argument(
        "--class-score",
        type=_class_score,
        action="append",
        default=[],
        metavar="CLASS=COLUMN",
        help="column of the probability of a class, for --task multiclass; once per class",
    )
    parser.add_argument(
        "--slices", type=names, default=[], metavar="A,B", help="search the worst slices over these columns"
    )
    parser.add_argument(
        "--minimum-slice",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="smallest slice, as a share of all rows (by default half a percent, and never fewer than 50 rows)",
    )
    add_prediction_arguments(parser)


def _class_score(text: str) -> tuple[str, str]:
    """``CLASS=COLUMN``, as an argparse type."""
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise argparse.ArgumentTypeError(f"{text!r} is not CLASS=COLUMN")
    return name, column


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    scores = dict(args.class_score)
    if len(scores) < len(args.class_score):
        raise InvalidInput("--class-score names a class twice", field="scores")
    return {
        **prediction_parameters(args),
        "task": args.task,
        "scores": scores,
        "slices": args.slices,
        "minimum_groups": [args.minimum_slice],
    }


KIND = Kind(
    name="performance",
    help="accuracy, precision, recall, F1, ROC AUC, log loss, Brier; several classes; numbers; the worst slices",
    inputs=("data",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
