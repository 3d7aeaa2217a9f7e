"""``countersign evaluate``: the measurements that the service makes, on local data, with no server and no database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audits.kinds import MODULES, VERBS, kind_named
from registry.execution import MODEL

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

BAD_INPUT = 2
_DATA = "CSV, Parquet, a directory of Parquet files, or the address of a table"
_OTHERS = {
    "packages": "the recorded packages: a requirements file, or a lock file of uv, Poetry, PDM or PEP 751",
    "vulnerabilities": "a report on them: JSON of pip-audit, OSV-Scanner, Grype, or CycloneDX with vulnerabilities",
    "files": "the folder that holds the training script and all that it reads",
}
_MODEL = "a model file (ONNX, skops, safetensors), or an endpoint as https://HOST/v2/models/NAME"


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``countersign evaluate`` with the words after ``evaluate``.

    Returns
    -------
    int
        0 when measured, 2 on bad input or usage; the message on stderr names file, column and row.
    """
    parser = argparse.ArgumentParser(
        prog="countersign evaluate", description="Measure a model's data and predictions, as the service does."
    )
    add_parser(parser.add_subparsers(dest="kind", required=True, metavar="KIND"))
    try:
        return run(parser.parse_args(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else BAD_INPUT


def add_parser(subparsers: SubParsers) -> None:
    """Add every kind of evaluation to an argument parser."""
    for name in MODULES:
        kind = kind_named(name)
        verbs = [verb for verb, meant in VERBS.items() if meant == name]
        parser = subparsers.add_parser(name, help=kind.help, aliases=verbs)
        for place in kind.inputs:
            parser.add_argument(
                place,
                metavar=place.upper(),
                help=_MODEL if place == MODEL else _OTHERS.get(place, _DATA),
            )
        for place in kind.optional:
            parser.add_argument(f"--{place}", metavar="PATH", help=_help(place))
        kind.add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def _help(place: str) -> str:
    if place in _OTHERS:
        return _OTHERS[place]
    if place in (MODEL, "champion-model"):
        return f"the {place.replace('-', ' ')}: {_MODEL}"
    return f"the {place}'s model: {_MODEL}" if place == "champion" else f"the {place} data: {_DATA}"


def run(args: argparse.Namespace) -> int:
    """Evaluate as parsed, and print the report. Returns the exit code."""
    from audits.evaluate import evaluate
    from audits.evaluate_text import as_text
    from registry.errors import CountersignError

    kind = kind_named(VERBS.get(args.kind, args.kind))
    data = [getattr(args, place.replace("-", "_")) for place in (*kind.inputs, *kind.optional)]
    try:
        report = evaluate(kind.name, data, kind.parameters_of(args))
    except CountersignError as error:
        sys.stderr.write(f"countersign evaluate {args.kind}: {error}\n")
        return BAD_INPUT
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False) if args.json else as_text(report)
    sys.stdout.write(text + "\n")
    return 0
