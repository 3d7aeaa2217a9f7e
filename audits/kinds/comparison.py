"""``evaluate comparison``: challenger minus champion on the same rows, and who changes sides. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data
from audits.engines.port import Origin, Progress
from audits.kinds.kind import NOT_GIVEN, Kind
from audits.kinds.prediction_inputs import (
    add_prediction_arguments,
    names,
    numbers,
    open_predictions,
    origins,
    prediction_parameters,
    read,
    unknown_groups,
)
from audits.measures.comparison.parameters import ComparisonParameters, parse_comparison
from audits.report import Report, make_report
from registry.amounts import OUTCOMES
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measures.comparison.pairing import Pairing
    from audits.parameters import Parameters

PREDICTIONS, SCORED_AGAIN = "predictions", "re-scored"
"""What was compared: the predictions as submitted, or what both models say of the same test data."""

_READ, _PAIRED = 0.2, 0.8
_SHORT = {"tp": "true_positive", "fp": "false_positive", "tn": "true_negative", "fn": "false_negative"}


def run(inputs: Sequence[Data], parameters: ComparisonParameters, progress: Progress) -> Report:
    """Compare on the same rows: those of both predictions, or else those that both models score together."""
    from audits.measures.comparison.report import measure_pairing

    challenger, champion, test, model, champion_model = inputs
    progress(0.0, "reading the predictions")
    compared_on, why, warnings = PREDICTIONS, "", list[str]()
    found = _paired(challenger, champion, parameters, warnings)
    read_from: Sequence[Origin]
    if isinstance(found, str):
        why = found
        pairing, read_from = _together(why, test, (model, champion_model), parameters, progress)
        compared_on = SCORED_AGAIN
        warnings.append(f"the predictions are of different rows ({why}), so both models were run on the same test data")
    else:
        pairing, read_from = found, origins([found.challenger, found.champion])
        warnings += _left_out(pairing)
    progress(_PAIRED, "comparing")
    findings = measure_pairing(pairing, parameters)
    return make_report(
        "comparison",
        findings.measurements,
        origins=read_from,
        parameters=parameters.as_json(),
        series=findings.series,
        warnings=[*warnings, *findings.warnings, *unknown_groups([pairing.challenger])],
        extra={
            "comparison": {
                "compared_on": compared_on,
                "paired_by": pairing.by,
                "rows": len(pairing.challenger),
                "only_challenger": pairing.only_challenger,
                "only_champion": pairing.only_champion,
                "because": why,
            }
        },
    )


def _paired(challenger: Data, champion: Data, parameters: ComparisonParameters, warnings: list[str]) -> Pairing | str:
    """Both predictions row by row, or why they are not of the same rows."""
    from audits.measures.comparison.pairing import pair_by_key, pair_by_order, read_key

    asked, columns = parameters.predictions, parameters.columns
    mine, there = read(challenger, asked, columns), _columns_of(champion, asked)
    keyless = [
        data.name
        for data, key, present in (
            (challenger, parameters.key, _columns_of(challenger, asked)),
            (champion, parameters.champion_key, there),
        )
        if not set(key) <= present
    ]
    if parameters.key and not keyless:
        theirs = read(champion, asked.of_champion(), ())
        keys = read_key(challenger, parameters.key), read_key(champion, parameters.champion_key)
        return pair_by_key(mine, theirs, *keys, common_rows=parameters.common_rows)
    if keyless and parameters.common_rows:
        raise InvalidInput(f"{keyless[0]} does not hold the key, by which common rows are recognised", field="key")
    if keyless:
        warnings.append(f"{' and '.join(keyless)}: the key is not among the columns, so rows are paired by their order")
    return pair_by_order(mine, read(champion, asked.of_champion(), [column for column in columns if column in there]))


def _columns_of(data: Data, asked: Parameters) -> set[str]:
    with open_predictions(data, asked) as engine:
        return set(engine.columns)


def _together(
    why: str, test: Data, models: tuple[Data, Data], parameters: ComparisonParameters, progress: Progress
) -> tuple[Pairing, Sequence[Origin]]:
    from audits.measures.comparison.rescored import score_together

    given = {
        "test data of the challenger": test,
        "model of the challenger": models[0],
        "model of the champion": models[1],
    }
    absent = [name for name, data in given.items() if data is NOT_GIVEN]
    if absent:
        raise InvalidInput(
            f"the champion's predictions are not of the same rows as the challenger's: {why}. What was measured on different "
            f"rows is not compared, and both models cannot be run on the same test data, for there is no {', no '.join(absent)}. "
            "Submit predictions of the same rows (with schema.key declared in both manifests where their order differs), or "
            "submit both versions with a model that can be run, and the challenger with test data",
            field="predictions",
        )
    return score_together(
        test, models, parameters, lambda share, note: progress(_READ + share * (_PAIRED - _READ), note)
    )


def _left_out(pairing: Pairing) -> list[str]:
    if not (pairing.only_challenger or pairing.only_champion):
        return []
    said = (
        f"only the {len(pairing.challenger):,} common rows are compared: {pairing.only_challenger:,} rows that only the "
        f"challenger's predictions hold and {pairing.only_champion:,} that only the champion's hold are left out"
    )
    return [said]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate comparison``."""
    add_prediction_arguments(parser)
    parser.add_argument("--sensitive", type=names, default=[], metavar="A,B", help="columns that name groups")
    parser.add_argument("--intersections", action="store_true", help="cross the sensitive columns as well")
    parser.add_argument(
        "--minimum-group", type=numbers, default=[0.0], metavar="SHARE", help="leave smaller groups out of differences"
    )
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that identify a row")
    parser.add_argument("--champion-key", type=names, default=[], metavar="A,B", help="the same in the champion's file")
    parser.add_argument("--common-rows", action="store_true", help="leave out rows that only one of the two has")
    parser.add_argument(
        "--amounts",
        type=amounts,
        metavar="tp=N,fp=N,tn=N,fn=N,currency=EUR",
        help="what each outcome of a decision is worth",
    )
    for who in ("", "champion-"):
        parser.add_argument(
            f"--{who}inputs", type=names, default=[], metavar="A,B", help=f"columns that the {who}model reads"
        )
        parser.add_argument(
            f"--{who}threshold", type=float, metavar="X", help=f"from which the {who}model decides for 1"
        )


def amounts(text: str) -> dict[str, Any]:
    """Amounts with commas between, as an argparse type; whether they are all there is told later."""
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        name = _SHORT.get(name.strip(), name.strip())
        try:
            found[name] = float(value) if name in OUTCOMES else value.strip()
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{part!r} is no amount") from error
    return found


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("sensitive", "intersections", "key", "champion_key", "common_rows", "amounts")
    return {
        **prediction_parameters(args),
        **{name: getattr(args, name) for name in same},
        "minimum_groups": args.minimum_group,
        "model": _interface(args.inputs, args.threshold),
        "champion_model": _interface(args.champion_inputs, args.champion_threshold),
    }


def _interface(inputs: list[str], threshold: float | None) -> dict[str, Any]:
    return {"inputs": inputs, "threshold": threshold} if inputs else {}


KIND = Kind(
    name="comparison",
    help="challenger minus champion, paired on the same rows",
    inputs=("challenger", "champion"),
    optional=("test", "model", "champion-model"),
    parse=parse_comparison,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
