"""``evaluate drift``: how far one data set has moved from another. Pure of Django."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Origin, Progress
from audits.kinds.given import Given, refuse_shared
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names, numbers
from audits.report import Report, make_report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measures.drift.comparison import Settings

ROLES = ("label", "prediction", "score")
CORRECTIONS = ("holm", "benjamini-hochberg", "none")
_MOST_BINS, _MOST_SAMPLE, _MOST_SKETCH_BYTES = 100, 100_000, 256 << 20
_HIGHEST_FLOOR = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftParameters:
    """How two data sets are to be compared.

    Attributes
    ----------
    columns
        Those to compare; all but the key if empty.
    categorical
        Columns of numbers that are codes, without an order.
    label, prediction, score
        Columns with a role: they must be in both data sets, and are marked.
    key
        Columns that identify a row: they are not compared, and choose the rows that the classifier sees.
    bins
        Of the population stability index: as many of equally many rows of the reference.
    confidences
        Nominal coverages of the intervals; a column drifted if its corrected p-value is below one minus that.
    correction
        ``holm``, ``benjamini-hochberg`` or ``none``.
    psi_at_least, wasserstein_at_least
        Effect sizes of which a drifted column reaches at least one.
    classifier, sample
        Whether to train a classifier to tell the data apart, and on how many rows of each.
    seed
        Of whatever is drawn at random.
    reference_sketch
        The counts of the reference, from an earlier report; then the reference itself is not read.
    """

    columns: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    label: str | None = None
    prediction: str | None = None
    score: str | None = None
    key: tuple[str, ...] = ()
    bins: int = 10
    confidences: tuple[float, ...] = (0.95,)
    correction: str = "holm"
    psi_at_least: float = 0.1
    wasserstein_at_least: float = 0.2
    classifier: bool = True
    sample: int = 10_000
    seed: int = 0
    reference_sketch: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists, and of the sketch its digest only."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        sketch = self.reference_sketch
        return plain | {"reference_sketch": None if sketch is None else {"sha256": _digest_of(sketch)}}

    @property
    def roles(self) -> dict[str, str]:
        """Column to its role."""
        return {column: role for role in ROLES if (column := getattr(self, role)) is not None}


def parse(given: Mapping[str, Any]) -> DriftParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type or out of range.
    """
    values = Given(given, "drift", DriftParameters.__slots__)
    correction = values.text("correction") or CORRECTIONS[0]
    if correction not in CORRECTIONS:
        raise InvalidInput(
            f"correction must be one of {', '.join(CORRECTIONS)}, not {correction!r}", field="correction"
        )
    parameters = DriftParameters(
        columns=values.texts("columns"),
        categorical=values.texts("categorical"),
        label=values.text("label"),
        prediction=values.text("prediction"),
        score=values.text("score"),
        key=values.texts("key"),
        bins=_at_most(values.whole("bins", 10, least=2), _MOST_BINS, "bins"),
        confidences=values.confidences(),
        correction=correction,
        psi_at_least=values.number("psi_at_least", 0.1, 0.0, _HIGHEST_FLOOR),
        wasserstein_at_least=values.number("wasserstein_at_least", 0.2, 0.0, _HIGHEST_FLOOR),
        classifier=values.flag("classifier", default=True),
        sample=_at_most(values.whole("sample", 10_000, least=100), _MOST_SAMPLE, "sample"),
        seed=values.whole("seed", 0),
        reference_sketch=_sketch(values.values.get("reference_sketch")),
    )
    refuse_shared([(role, getattr(parameters, role)) for role in ROLES])
    return parameters


def _at_most(value: int, most: int, name: str) -> int:
    if value > most:
        raise InvalidInput(f"{name} must be at most {most:,}, not {value:,}", field=name)
    return value


def _sketch(value: Any) -> Mapping[str, Any] | None:
    """The sketch itself, from a sketch or from a report that has one."""
    if value is None:
        return None
    inner = value.get("sketch", value) if isinstance(value, Mapping) else value
    if not isinstance(inner, Mapping) or "columns" not in inner:
        raise InvalidInput(
            "the reference sketch must be an earlier report of drift, or the sketch in one", field="reference_sketch"
        )
    return dict(inner)


def _digest_of(sketch: Mapping[str, Any]) -> str:
    """SHA-256 of the sketch as JSON with sorted keys and no spaces."""
    text = json.dumps(sketch, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def run(inputs: Sequence[Data], parameters: DriftParameters, progress: Progress) -> Report:
    """Compare two data sets column by column, by their correlations, and by a classifier."""
    from audits.measures.drift.comparison import compare, compare_with_sketch

    settings = _settings(parameters)
    with open_data(inputs[1]) as current:
        if parameters.reference_sketch is None:
            with open_data(inputs[0]) as reference:
                found = compare(reference, current, settings, progress)
                origins = [*reference.origins, *current.origins]
                engine = ", ".join(dict.fromkeys([reference.name, current.name]))
        else:
            found = compare_with_sketch(parameters.reference_sketch, current, settings, progress)
            origins, engine = [*_origins(parameters.reference_sketch), *current.origins], current.name
        return make_report(
            "drift",
            found.measurements,
            origins=origins,
            parameters=parameters.as_json(),
            engine=engine,
            warnings=found.warnings,
            series=found.series,
            extra={}
            if found.sketch is None
            else {"sketch": found.sketch(origins[: len(origins) - len(current.origins)])},
        )


def _settings(parameters: DriftParameters) -> Settings:
    from audits.measures.drift.comparison import Settings
    from audits.measures.drift.outcome import Floors

    return Settings(
        columns=parameters.columns,
        categorical=parameters.categorical,
        roles=parameters.roles,
        key=parameters.key,
        bins=parameters.bins,
        confidences=parameters.confidences,
        correction=parameters.correction,
        floors=Floors(parameters.psi_at_least, parameters.wasserstein_at_least),
        sample=parameters.sample if parameters.classifier else 0,
        seed=parameters.seed,
    )


def _origins(sketch: Mapping[str, Any]) -> list[Origin]:
    try:
        return [Origin(path=str(item["path"]), sha256=str(item["sha256"])) for item in sketch["origins"]]
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            "the reference sketch does not say what it was made from: make it again", field="reference_sketch"
        ) from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate drift``."""
    parser.add_argument("--columns", type=names, default=[], metavar="A,B", help="columns to compare; else all")
    parser.add_argument(
        "--categorical", type=names, default=[], metavar="A,B", help="columns of numbers that are codes"
    )
    parser.add_argument("--label", metavar="L", help="column of what happened")
    parser.add_argument("--prediction", metavar="P", help="column of what the model decided")
    parser.add_argument("--score", metavar="S", help="column of the model's score")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--bins", type=int, default=10, metavar="N", help="bins of the population stability index")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--correction", choices=CORRECTIONS, default="holm", help="of p-values, for many columns")
    parser.add_argument("--psi-at-least", type=float, default=0.1, metavar="X", help="smallest index that matters")
    parser.add_argument(
        "--wasserstein-at-least", type=float, default=0.2, metavar="X", help="smallest distance that matters"
    )
    parser.add_argument("--no-classifier", action="store_true", help="do not train a classifier to tell the data apart")
    parser.add_argument("--sample", type=int, default=10_000, metavar="N", help="rows of each that it sees")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn at random")
    parser.add_argument(
        "--reference-sketch", metavar="FILE", help="an earlier report (--json): compare with its reference unread"
    )


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("columns", "categorical", *ROLES, "key", "bins", "correction", "sample", "seed")
    floors = ("psi_at_least", "wasserstein_at_least")
    return {
        **{name: getattr(args, name) for name in (*same, *floors)},
        "confidences": args.confidence,
        "classifier": not args.no_classifier,
        "reference_sketch": _read_sketch(args.reference_sketch),
    }


def _read_sketch(path: str | None) -> Any:
    if path is None:
        return None
    file = Path(path)
    try:
        if file.stat().st_size > _MOST_SKETCH_BYTES:
            raise InvalidInput(f"{path} is too large to be a sketch", field="reference_sketch")
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON: {error}", field="reference_sketch") from error


KIND = Kind(
    name="drift",
    help="how far one data set has moved from another: columns, correlations, a classifier",
    inputs=("reference", "current"),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
