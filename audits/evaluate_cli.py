"""``countersign evaluate``: the measurements that the service makes, on a local file, with no server and no database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``countersign evaluate`` with the words after ``evaluate``.

    Returns
    -------
    int
        0 when measured, 2 on bad input or usage; the message on stderr names file, column and row.
    """
    parser = argparse.ArgumentParser(
        prog="countersign evaluate", description="Measure a model's predictions, as the service does."
    )
    add_parser(parser.add_subparsers(dest="kind", required=True, metavar="KIND"))
    try:
        return run(parser.parse_args(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else BAD_INPUT


def add_parser(subparsers: SubParsers) -> None:
    """Add ``performance``, ``fairness`` and ``comparison`` to an argument parser."""
    performance = subparsers.add_parser("performance", help="accuracy, precision, recall, F1, ROC AUC, log loss, Brier")
    performance.add_argument("data", metavar="DATA", help="CSV, Parquet, or a directory of Parquet files")
    fairness = subparsers.add_parser("fairness", help="rates per group, ratios and differences over groups")
    fairness.add_argument("data", metavar="DATA", help="CSV, Parquet, or a directory of Parquet files")
    fairness.add_argument("--sensitive", required=True, type=_names, metavar="A,B", help="columns that name groups")
    fairness.add_argument("--intersections", action="store_true", help="cross the sensitive columns as well")
    fairness.add_argument(
        "--minimum-group", type=_numbers, default=[0.0], metavar="SHARE", help="leave smaller groups out of ratios"
    )
    comparison = subparsers.add_parser("comparison", help="challenger minus champion, paired on the same rows")
    comparison.add_argument("data", metavar="CHALLENGER")
    comparison.add_argument("champion", metavar="CHAMPION")
    for parser in (performance, fairness, comparison):
        _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", required=True, metavar="L", help="column of what happened: 0 and 1")
    parser.add_argument("--prediction", required=True, metavar="P", help="column of what the model decided: 0 and 1")
    parser.add_argument("--score", metavar="S", help="column of the probability of class 1")
    parser.add_argument("--weight", metavar="W", help="column of positive sample weights")
    parser.add_argument("--positive", metavar="VALUE", help="the favourable class, where labels are not 0 and 1")
    parser.add_argument("--confidence", type=_numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap for small samples")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} holds an empty column name")
    return names


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, nor several with commas between") from error


def run(args: argparse.Namespace) -> int:
    """Evaluate as parsed, and print the report. Returns the exit code."""
    from audits.evaluate import evaluate
    from audits.evaluate_text import as_text
    from registry.errors import CountersignError

    parameters: dict[str, Any] = {
        "label": args.label,
        "prediction": args.prediction,
        "score": args.score,
        "weight": args.weight,
        "positive": args.positive,
        "confidences": args.confidence,
        "seed": args.seed,
    }
    files = [args.data]
    if args.kind == "fairness":
        parameters |= {
            "sensitive": args.sensitive,
            "intersections": args.intersections,
            "minimum_groups": args.minimum_group,
        }
    if args.kind == "comparison":
        files.append(args.champion)
    try:
        report = evaluate(args.kind, files, parameters)
    except CountersignError as error:
        sys.stderr.write(f"countersign evaluate {args.kind}: {error}\n")
        return BAD_INPUT
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False) if args.json else as_text(report)
    sys.stdout.write(text + "\n")
    return 0
