"""``evaluate rescore``: the model scores the test data itself; are these the predictions that were submitted? Pure of Django."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Engine, Progress
from audits.kinds.kind import Kind
from audits.kinds.model_options import add_model_arguments, model_of
from audits.kinds.prediction_inputs import names
from audits.report import Report, make_report
from audits.rescoring.parameters import SCORE_TOLERANCE, RescoringParameters, parse_rescoring
from registry.errors import InvalidInput

_READ, _SCORED = 0.15, 0.9


def run(inputs: Sequence[Data], parameters: RescoringParameters, progress: Progress) -> Report:
    """Score the test data in the sandbox and compare, key by key, with the predictions that were submitted."""
    from audits.engines.duckdb_engine import open_files
    from audits.rescoring.agreement import count_agreement
    from audits.rescoring.report import AGREEMENT, measurements_of, series_of
    from audits.scoring.data import source_of
    from audits.scoring.opening import open_model

    source = source_of(inputs[0], dict(parameters.model) if parameters.model else None)
    with (
        tempfile.TemporaryDirectory(prefix="countersign-") as folder,
        open_data(inputs[1]) as test,
        open_data(inputs[2]) as submitted,
    ):
        form = _check(test, submitted, parameters)
        _write_submitted(submitted, form, Path(folder), progress)
        progress(_READ, "starting the model")
        with open_model(source, progress=lambda _share, note: progress(_READ, note)) as model:
            _write_scored(test, form, model, Path(folder), progress)
            signature = model.signature
        progress(_SCORED, "comparing")
        with open_files(Path(folder), "predictions side by side") as pairs:
            found = count_agreement(
                pairs,
                form,
                tolerance=parameters.score_tolerance,
                regression=parameters.task == "regression",
                threshold=source.interface.threshold,
            )
        measured = measurements_of(found, parameters)
        unverified = [name for name in parameters.stated if name not in form.stated]
        origins = [*test.origins, *submitted.origins]
        engine = test.name
    return make_report(
        "rescoring",
        measured,
        origins=origins,
        parameters=parameters.as_json(),
        engine=engine,
        series=series_of(found, parameters),
        warnings=[_unverified(unverified)] if unverified else [],
        extra={
            "rescoring": {
                "agrees": next(item for item in measured if item.metric == AGREEMENT).value == 1.0,
                "unverified": unverified,
                "model": {"name": source.name, "format": signature.format, "libraries": dict(signature.libraries)},
            }
        },
    )


def _unverified(columns: Sequence[str]) -> str:
    return (
        f"the test data have no column {', '.join(map(repr, columns))}: what the predictions say of it could not be checked, "
        "so evidence that reads it stays claimed"
    )


def _check(test: Engine, submitted: Engine, parameters: RescoringParameters) -> Any:
    from audits.rescoring.alignment import form_of

    test.require(*parameters.key, field="key")
    form = form_of(parameters, test.columns)
    wanted = [*parameters.key, *form.stated, parameters.prediction, *(column for column, _ in form.numbers.values())]
    submitted.require(*wanted, field="prediction")
    for name in parameters.key:
        if test.columns[name] in ("number", "other"):
            raise InvalidInput(f"column {name!r} holds {test.columns[name]}s and can be no key", field="key")
    return form


def _write_submitted(submitted: Engine, form: Any, folder: Path, progress: Progress) -> None:
    from audits.rescoring.alignment import submitted_rows, write_rows

    def told(rows: int) -> None:
        progress(_READ / 2, f"reading the predictions: {rows:,} rows")

    write_rows(folder / "submitted.parquet", submitted_rows(submitted, form), told)


def _write_scored(test: Engine, form: Any, model: Any, folder: Path, progress: Progress) -> None:
    from audits.rescoring.alignment import scored_rows, write_rows

    test.require(*model.interface.inputs, field="model.inputs")
    expected = test.expected_rows() or 0

    def told(rows: int) -> None:
        share = min(rows / expected, 1.0) if expected else 0.5
        of = f" of {expected:,}" if expected else ""
        progress(_READ + share * (_SCORED - _READ), f"scoring: {rows:,}{of} rows")

    rows = write_rows(folder / "scored.parquet", scored_rows(test, form, model.interface.inputs, model.score), told)
    if not rows:
        raise InvalidInput("the test data have no rows", field="test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate rescore``."""
    add_model_arguments(parser)
    parser.add_argument("--prediction", required=True, metavar="COLUMN", help="column of the submitted decisions")
    parser.add_argument("--key", required=True, type=names, metavar="A,B", help="columns that identify a row")
    parser.add_argument("--score", metavar="COLUMN", help="column of the submitted scores")
    parser.add_argument(
        "--label", metavar="COLUMN", help="column of true outcomes, which must be those of the test data"
    )
    parser.add_argument("--sensitive", type=names, default=[], metavar="A,B", help="columns of groups, likewise")
    parser.add_argument("--task", choices=("binary", "multiclass", "regression"), default="binary")
    parser.add_argument(
        "--score-tolerance", type=float, default=SCORE_TOLERANCE, metavar="X", help="scores may differ by this much"
    )
    parser.add_argument(
        "--decision-tolerance", type=float, default=0.0, metavar="SHARE", help="share of decisions that may differ"
    )


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("prediction", "key", "score", "label", "sensitive", "task", "score_tolerance", "decision_tolerance")
    return {**{name: getattr(args, name) for name in same}, "model": model_of(args)}


KIND = Kind(
    name="rescoring",
    help="score the test data with the model and compare with the submitted predictions",
    inputs=("model", "test", "predictions"),
    parse=parse_rescoring,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
