"""``evaluate reproduction``: the training script runs again in the sandbox; is it the same model? Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds.given import Given
from audits.kinds.kind import Kind
from audits.kinds.model_options import add_model_arguments, model_of
from audits.kinds.prediction_inputs import names, numbers
from audits.measures.reproduction.recipe import METRIC_TOLERANCE, SCORE_TOLERANCE
from audits.report import Report, make_report
from registry.errors import InvalidInput

TASKS = ("binary", "multiclass", "regression")
_MOST_TOLERANCE = 0.1
_OF_RECIPE = ("script", "model_output", "predictions", "packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionParameters:
    """How a reproduction is to be judged.

    Attributes
    ----------
    model
        How the model is asked, where the input itself does not say.
    label, positive, sensitive
        Columns and class of the test data: for metrics of both models.
    task
        ``binary``, ``multiclass`` or ``regression``.
    recipe
        From the command line alone: ``script``, ``arguments``, ``model_output``, ``predictions``, ``packages``, ``seed``.
    score_tolerance, metric_tolerance
        How far scores, and metrics, may lie apart and still count as the same; a manifest may state less, never more.
    confidences
        Coverages of the interval of decisions that differ.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    positive: str = ""
    sensitive: tuple[str, ...] = ()
    task: str = "binary"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    score_tolerance: float = SCORE_TOLERANCE
    metric_tolerance: float = METRIC_TOLERANCE
    confidences: tuple[float, ...] = (0.95,)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; the recipe is told by the report."""
        return {
            "label": self.label,
            "positive": self.positive,
            "sensitive": list(self.sensitive),
            "task": self.task,
            "score_tolerance": self.score_tolerance,
            "metric_tolerance": self.metric_tolerance,
            "confidences": list(self.confidences),
        }


def parse(given: Mapping[str, Any]) -> ReproductionParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type or out of range.
    """
    values = Given(given, "reproduction", ReproductionParameters.__slots__)
    task = values.text("task") or "binary"
    if task not in TASKS:
        raise InvalidInput(f"task must be one of {', '.join(TASKS)}, not {task!r}", field="task")
    return ReproductionParameters(
        model=given.get("model") or {},
        label=values.text("label"),
        positive=values.text("positive") or "",
        sensitive=values.texts("sensitive"),
        task=task,
        recipe=_recipe(given.get("recipe") or {}),
        score_tolerance=values.number("score_tolerance", SCORE_TOLERANCE, 0.0, _MOST_TOLERANCE),
        metric_tolerance=values.number("metric_tolerance", METRIC_TOLERANCE, 0.0, _MOST_TOLERANCE),
        confidences=values.confidences(),
    )


def _recipe(given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"recipe must be a mapping, not {given!r}", field="recipe")
    values = Given(given, "recipe", (*_OF_RECIPE, "arguments", "seed"))
    recipe: dict[str, Any] = {name: text for name in _OF_RECIPE if (text := values.text(name))}
    arguments = given.get("arguments", ())
    if not isinstance(arguments, Sequence) or not all(isinstance(item, str) for item in arguments):
        raise InvalidInput(f"arguments must be a list of texts, not {arguments!r}", field="arguments")
    recipe["arguments"] = list(arguments)
    if given.get("seed") is not None:
        recipe["seed"] = values.whole("seed", 0)
    return recipe


def run(inputs: Sequence[Data], parameters: ReproductionParameters, progress: Progress) -> Report:
    """Build the model again from its script, data and seed, and say how alike it is to the one that was submitted."""
    from audits.measures.reproduction.outcome import measurements_of, series_of
    from audits.measures.reproduction.rebuilding import Submitted, rebuild
    from audits.measures.reproduction.recipe import recipe_of
    from audits.scoring.data import source_of
    from audits.scoring.source import ModelFile

    model, test, files = inputs
    source = source_of(model, dict(parameters.model) or None)
    if not isinstance(source, ModelFile):
        message = "only a model in a file of its own can be built again, not an endpoint and not a graph of components"
        raise InvalidInput(message, field="model")
    submitted = Submitted.of(source)
    recipe = recipe_of(files, parameters.recipe, model_sha256=submitted.sha256).within(
        score=parameters.score_tolerance, metric=parameters.metric_tolerance
    )
    outcome, origins, warnings = rebuild(submitted, test, recipe, parameters, progress)
    return make_report(
        "reproduction",
        measurements_of(outcome, parameters.confidences),
        origins=origins,
        parameters={**parameters.as_json(), "model": source.interface.as_json(), "rebuild": recipe.as_json()},
        warnings=warnings,
        series=series_of(outcome, recipe),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate reproduction``."""
    parser.add_argument("--script", required=True, metavar="PATH", help="the training script, as it is called in FILES")
    parser.add_argument("--model-output", required=True, metavar="PATH", help="where the script writes the model")
    parser.add_argument("--predictions", metavar="PATH", help="where the script writes predictions, if it does")
    parser.add_argument("--packages", metavar="PATH", help="the recorded packages, as the file is called in FILES")
    parser.add_argument(
        "--argument",
        action="append",
        default=[],
        dest="arguments",
        metavar="A",
        help="one argument; {seed} is the seed",
    )
    parser.add_argument("--seed", type=int, help="the seed that the model was trained with")
    parser.add_argument(
        "--score-tolerance",
        type=float,
        default=SCORE_TOLERANCE,
        metavar="X",
        help="scores this near are the same (1e-9)",
    )
    parser.add_argument(
        "--metric-tolerance",
        type=float,
        default=METRIC_TOLERANCE,
        metavar="X",
        help="metrics this near are the same (0.005)",
    )
    parser.add_argument("--label", metavar="L", help="column of what happened, in the test data")
    parser.add_argument("--positive", metavar="VALUE", help="the favourable class")
    parser.add_argument("--sensitive", type=names, default=[], metavar="A,B", help="columns that name groups")
    parser.add_argument("--task", choices=TASKS, default="binary", help="what the model does")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    add_model_arguments(parser)


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    recipe = {name: getattr(args, name) for name in (*_OF_RECIPE, "seed")}
    return {
        "model": model_of(args),
        "recipe": {"arguments": args.arguments, **{name: value for name, value in recipe.items() if value is not None}},
        "label": args.label,
        "positive": args.positive,
        "sensitive": args.sensitive,
        "task": args.task,
        "score_tolerance": args.score_tolerance,
        "metric_tolerance": args.metric_tolerance,
        "confidences": args.confidence,
    }


KIND = Kind(
    name="reproduction",
    help="build the model again from its script, data and seed, and compare",
    inputs=("model", "test"),
    optional=("files",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
