"""``evaluate explanation``: what a model's scores rest on, for whom, and how surely; reasons of its decisions. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data
from audits.engines.port import Origin, Progress
from audits.explain.parameters import (
    BACKGROUND_ROWS,
    MOST_CURVES,
    MOST_PAIRS,
    REPEATS,
    ROWS,
    ExplanationParameters,
    parse_explanation,
)
from audits.kinds.kind import NOT_GIVEN, Kind
from audits.kinds.model_options import add_model_arguments, model_of
from audits.kinds.prediction_inputs import names, numbers
from audits.parameters import TASKS
from audits.report import Report, make_report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.explain.feature_dictionary import FeatureDictionary
    from audits.explain.findings import Findings
    from audits.scoring.model import Model

_OPENED, _FOUND = 0.05, 0.97


def run(inputs: Sequence[Data], parameters: ExplanationParameters, progress: Progress) -> Report:
    """Explain the model on the test data, against rows of the background."""
    from audits.explain.findings import find, part
    from audits.explain.material import material_of
    from audits.explain.measurements import measurements_of
    from audits.explain.tables import series_of
    from audits.kinds.model_origins import origins_of
    from audits.scoring.data import source_of
    from audits.scoring.opening import open_model

    model_data, test, background, words = inputs
    dictionary, dictionary_origins = _dictionary(words)
    source = source_of(model_data, dict(parameters.model) or None)
    progress(0.0, "starting the model")
    with open_model(source) as model:
        drawn = None if background is NOT_GIVEN else background
        read = part(progress, 0.0, _OPENED, "drawing rows")
        material = material_of(test, drawn, model.interface.inputs, parameters, read)
        found = find(model, material, dictionary, parameters, part(progress, _OPENED, _FOUND, "explaining"))
        progress(_FOUND, "measuring")
        return make_report(
            "explanation",
            list(measurements_of(found, material, parameters)),
            origins=[*origins_of(source), *material.origins, *dictionary_origins],
            parameters=parameters.as_json(),
            engine=material.engine,
            series=list(series_of(found, material, dictionary, parameters)),
            warnings=found.warnings,
            extra={"explanation": {"drawn": material.said, **_facts(found, model)}},
        )


def _facts(found: Findings, model: Model) -> dict[str, Any]:
    """How the contributions were found, and of what."""
    explanation = found.explanation
    errors = explanation.standard_error
    return {
        "method": explanation.method,
        "scale": explanation.scale,
        "base": float(explanation.base),
        "rows": found.rows,
        "background_rows": explanation.background,
        "additivity_error": float(explanation.additivity_error),
        "largest_standard_error": None if errors is None else float(errors.max()),
        "evaluations": explanation.evaluations,
        "metric": found.shuffled.metric if found.shuffled else None,
        "metric_value": found.value,
        "adverse_decisions": len(found.told.places) if found.told else None,
        "model": {"format": model.signature.format, "libraries": dict(model.signature.libraries)},
    }


def _dictionary(data: Data) -> tuple[FeatureDictionary, list[Origin]]:
    from hashlib import sha256

    from audits.explain.feature_dictionary import NO_DICTIONARY, read_dictionary

    if data is NOT_GIVEN:
        return NO_DICTIONARY, []
    if data.path is None:
        raise InvalidInput(f"{data.name}: the feature dictionary must be a file", field="dictionary")
    content = data.path.read_bytes()
    return read_dictionary(content, what=data.name), [Origin(path=data.name, sha256=sha256(content).hexdigest())]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate explanation``."""
    add_model_arguments(parser)
    parser.add_argument("--label", metavar="L", help="column of what happened, to measure what shuffling loses")
    parser.add_argument("--positive", metavar="CLASS", help="the favourable class")
    parser.add_argument("--task", choices=TASKS, default=TASKS[0], help="what the model predicts")
    parser.add_argument("--sensitive", type=names, default=[], metavar="A,B", help="columns that name groups")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help="rows to explain")
    parser.add_argument(
        "--background-rows", type=int, default=BACKGROUND_ROWS, metavar="N", help="rows to compare with"
    )
    parser.add_argument(
        "--interactions", type=int, default=MOST_PAIRS, metavar="N", help="most pairs to tell; 0 for none"
    )
    parser.add_argument(
        "--dependence", type=int, default=MOST_CURVES, metavar="N", help="most curves to draw; 0 for none"
    )
    parser.add_argument(
        "--stability-repeats", type=int, default=REPEATS, metavar="N", help="other backgrounds; 0 for none"
    )
    parser.add_argument(
        "--permutation-repeats", type=int, default=REPEATS, metavar="N", help="shuffles of each feature; 0 for none"
    )
    parser.add_argument("--adverse", choices=("lower", "higher"), default="", help="side of the score that is adverse")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn at random")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = (
        "label", "positive", "task", "sensitive", "key", "rows", "background_rows", "interactions", "dependence",
        "stability_repeats", "permutation_repeats", "adverse", "seed",
    )  # fmt: skip
    return {**{name: getattr(args, name) for name in same}, "model": model_of(args), "confidences": args.confidence}


KIND = Kind(
    name="explanation",
    help="what the model's scores rest on, for whom, and the reasons of its decisions",
    inputs=("model", "test"),
    optional=("background", "dictionary"),
    parse=parse_explanation,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
