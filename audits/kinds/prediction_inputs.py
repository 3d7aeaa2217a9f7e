"""What the kinds of evaluation that read labelled predictions share: reading, options, warnings. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Engine, Origin
from audits.parameters import Parameters
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.counted import Counted
    from audits.predictions import Predictions


def open_predictions(data: Data, parameters: Parameters) -> Engine:
    """Open labelled predictions wherever they are, with the disclosure threshold that was asked for.

    Use it as a context manager, and :func:`audits.counted.count_predictions` to count what is in it.
    """
    engine = open_data(data)
    engine.disclosure = max(engine.disclosure, parameters.disclosure)
    return engine


def read(data: Data, parameters: Parameters, sensitive: Sequence[str]) -> Predictions:
    """The predictions of a file row by row, for what pairs rows, with the groups of the columns ``sensitive``."""
    from audits.predictions import read_predictions

    if data.path is None:
        raise InvalidInput(f"{data.name}: only files can be read here", field="data")
    return read_predictions(
        data.path,
        name=data.name,
        label=parameters.label,
        prediction=parameters.prediction,
        score=parameters.score,
        weight=parameters.weight,
        positive=parameters.positive,
        sensitive=sensitive,
        max_groups=parameters.max_groups,
    )


def origins(read_predictions: Iterable[Predictions]) -> list[Origin]:
    """The files that the predictions came from."""
    return [Origin(path=source.name, sha256=source.sha256) for part in read_predictions for source in part.sources]


def unknown_groups(parts: Iterable[Predictions | Counted]) -> list[str]:
    """A warning for each column in which rows name no group."""
    return [
        f"{part.name}: {rows:,} rows name no group in {column!r}; they are the group 'unknown'"
        for part in parts
        for column, rows in part.unknown.items()
        if rows
    ]


def add_prediction_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that name columns and say how sure to be."""
    parser.add_argument("--label", required=True, metavar="L", help="column of what happened: 0 and 1")
    parser.add_argument("--prediction", required=True, metavar="P", help="column of what the model decided: 0 and 1")
    parser.add_argument("--score", metavar="S", help="column of the probability of class 1")
    parser.add_argument("--weight", metavar="W", help="column of positive sample weights")
    parser.add_argument("--positive", metavar="VALUE", help="the favourable class, where labels are not 0 and 1")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn at random")
    parser.add_argument(
        "--disclosure",
        type=int,
        default=0,
        metavar="K",
        help="groups of fewer than K rows never leave where the data are",
    )


def prediction_parameters(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that :func:`add_prediction_arguments` stand for."""
    return {
        "label": args.label,
        "prediction": args.prediction,
        "score": args.score,
        "weight": args.weight,
        "positive": args.positive,
        "confidences": args.confidence,
        "seed": args.seed,
        "disclosure": args.disclosure,
    }


def names(text: str) -> list[str]:
    """Names with commas between, as an argparse type."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} holds an empty column name")
    return found


def numbers(text: str) -> list[float]:
    """Numbers with commas between, as an argparse type."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, nor several with commas between") from error
