"""``evaluate quality``: whether data can be relied on. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds.given import Given
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names
from audits.report import Report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measures.quality.expectations import Expectations, Outcome

LARGEST_FILE = 20_000_000
MOST_NEAR = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParameters:
    """How the quality of data is to be measured.

    Attributes
    ----------
    expectations
        What the table must be like, if anything is asked of it.
    imported
        What became of expectations that another tool examined.
    label
        The column to be predicted: makes the others be searched for leakage of it.
    key
        Columns that together should name a row.
    timestamp
        Column of dates or times whose newest tells how fresh the data are.
    as_of
        The date or time that freshness counts to, in ISO 8601. Never the time of the evaluation by itself.
    near_rows
        Test rows, at most, for which a near twin is looked for in the data; 0 looks for none.
    confidence
        Of the intervals.
    """

    expectations: Expectations | None = None
    imported: tuple[Outcome, ...] | None = None
    label: str | None = None
    key: tuple[str, ...] = ()
    timestamp: str | None = None
    as_of: str | None = None
    near_rows: int = 10_000
    confidence: float = 0.95

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; of imported results only what is kept of them."""
        return {
            "expectations": self.expectations.as_json() if self.expectations else None,
            "imported": None if self.imported is None else [one.as_json() for one in self.imported],
            "label": self.label,
            "key": list(self.key),
            "timestamp": self.timestamp,
            "as_of": self.as_of,
            "near_rows": self.near_rows,
            "confidence": self.confidence,
        }


def parse(given: Mapping[str, Any]) -> QualityParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type, or wanting another.
    """
    from audits.measures.quality.expectations import moment, parse_expectations
    from audits.measures.quality.imported import parse_results

    values = Given(given, "quality", QualityParameters.__slots__)
    document, results = given.get("expectations"), given.get("imported")
    expectations = None if document is None else parse_expectations(document)
    as_of, timestamp = values.text("as_of"), values.text("timestamp")
    if as_of is not None and moment(as_of) is None:
        raise InvalidInput(f"as_of must be a date such as 2026-01-31, not {as_of!r}", field="as_of")
    fresh = timestamp or (expectations and "freshness" in expectations.table)
    if fresh and as_of is None:
        raise InvalidInput("give the date as_of that freshness counts to", field="as_of")
    near = values.whole("near_rows", 10_000)
    if near > MOST_NEAR:
        raise InvalidInput(f"near_rows can be at most {MOST_NEAR:,}, not {near:,}", field="near_rows")
    confidence = values.number("confidence", 0.95, 0.5, 0.999999)
    return QualityParameters(
        expectations=expectations,
        imported=None if results is None else tuple(parse_results(results)),
        label=values.text("label"),
        key=values.texts("key"),
        timestamp=timestamp,
        as_of=as_of,
        near_rows=near,
        confidence=confidence,
    )


def run(inputs: Sequence[Data], parameters: QualityParameters, progress: Progress) -> Report:
    """Data quality of one table, with test and reference data beside it where they are given."""
    from audits.measures.quality.inspection import inspect

    data, test, reference = inputs
    return inspect(data, test, reference, parameters, progress)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate quality``."""
    parser.add_argument("--schema", metavar="FILE", help="expectations, as YAML")
    parser.add_argument("--imported", metavar="FILE", help="results of pandera or Great Expectations, as JSON")
    parser.add_argument("--label", metavar="L", help="column to be predicted: search the others for leakage of it")
    parser.add_argument("--key", type=names, default=[], metavar="A,B", help="columns that together name a row")
    parser.add_argument("--timestamp", metavar="COLUMN", help="column of dates that tells how fresh the data are")
    parser.add_argument("--as-of", metavar="DATE", help="the date that freshness counts to; today by default")
    parser.add_argument(
        "--near-rows", type=int, default=10_000, metavar="N", help="test rows for which a near twin is looked for"
    )
    parser.add_argument("--confidence", type=float, default=0.95, metavar="C", help="coverage of the intervals")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean: files are read, and freshness counts to today unless another day is named."""
    from audits.measures.quality.expectations import read_expectations
    from audits.measures.quality.imported import read_results

    expectations = read_expectations(_bytes(args.schema, "schema"), args.schema) if args.schema else None
    results = read_results(_bytes(args.imported, "imported"), args.imported) if args.imported else None
    fresh = args.timestamp or (expectations and "freshness" in expectations.table)
    today = datetime.now(UTC).date().isoformat() if fresh else None
    return {
        "expectations": expectations.as_json() if expectations else None,
        "imported": None if results is None else [one.as_json() for one in results],
        "label": args.label,
        "key": args.key,
        "timestamp": args.timestamp,
        "as_of": args.as_of or today,
        "near_rows": args.near_rows,
        "confidence": args.confidence,
    }


def _bytes(path: str, option: str) -> bytes:
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise InvalidInput(f"{path}: is larger than {LARGEST_FILE:,} bytes", field=option)
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror})", field=option) from error


KIND = Kind(
    name="quality",
    help="completeness, validity, duplicates, leakage of the label, overlap of training and test data, freshness",
    inputs=("data",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
    optional=("test", "reference"),
)
