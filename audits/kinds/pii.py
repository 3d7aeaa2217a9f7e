"""``evaluate pii``: which columns hold personal data, how much, and how sure that is. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.kinds.given import Given
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names
from audits.report import Report, make_report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine
    from audits.measures.personal_data.free_text import Analyse
    from audits.measures.personal_data.tally import ColumnTally

_SCANNED = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataParameters:
    """How a table is to be searched for personal data.

    Attributes
    ----------
    columns
        Which columns; all if empty.
    sample
        Rows to look at, drawn by the digest of ``key``; 0 looks at all.
    key
        Columns that identify a row, for the sample.
    free_text
        Whether running text goes through presidio-analyzer too.
    seed
        Of the sample.
    """

    columns: tuple[str, ...] = ()
    sample: int = 0
    key: tuple[str, ...] = ()
    free_text: bool = False
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists."""
        return {
            "columns": list(self.columns),
            "sample": self.sample,
            "key": list(self.key),
            "free_text": self.free_text,
            "seed": self.seed,
        }


def parse(given: Mapping[str, Any]) -> PersonalDataParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type, or useless without another.
    """
    values = Given(given, "pii", PersonalDataParameters.__slots__)
    sample, key = values.whole("sample", 0), values.texts("key")
    if sample and not key:
        raise InvalidInput("a sample is drawn by key: name the columns that identify a row", field="key")
    if key and not sample:
        raise InvalidInput("a key is for a sample: say how many rows, or leave the key out", field="sample")
    return PersonalDataParameters(
        columns=values.texts("columns"),
        sample=sample,
        key=key,
        free_text=values.flag("free_text"),
        seed=values.whole("seed", 0),
    )


def run(inputs: Sequence[Data], parameters: PersonalDataParameters, progress: Progress) -> Report:
    """Personal data in the columns of one table."""
    from audits.measures.personal_data import free_text
    from audits.measures.personal_data.findings import find
    from audits.measures.personal_data.results import measurements_of, series_of, warnings_of

    progress(0.0, "opening the table")
    with open_data(inputs[0]) as engine:
        engine.require(*parameters.columns, field="columns")
        engine.require(*parameters.key, field="key")
        analysing = parameters.free_text and free_text.installed()
        if analysing:
            with free_text.presidio() as analyse:
                tallies = _tallies(engine, parameters, progress, analyse)
        else:
            tallies = _tallies(engine, parameters, progress, None)
        scanned = find(tallies)
        warnings = warnings_of(
            scanned, [(tally.name, tally.kind) for tally in tallies if tally.unread], free_text=parameters.free_text
        )
        if parameters.free_text:
            warnings.append(free_text.LIMITED if analysing else free_text.ABSENT)
        return make_report(
            "pii",
            measurements_of(scanned, sampled=bool(parameters.sample)),
            origins=engine.origins,
            parameters=parameters.as_json(),
            engine=engine.name,
            warnings=warnings,
            series=series_of(scanned),
        )


def _tallies(
    engine: Engine, parameters: PersonalDataParameters, progress: Progress, analyse: Analyse | None
) -> list[ColumnTally]:
    from audits.measures.personal_data.scanning import scan, scan_batches

    columns = list(parameters.columns or engine.columns)
    rows = engine.rows()
    if parameters.sample:
        rows = min(rows, parameters.sample)
    cells, read = max(rows * len(columns), 1), 0

    def step(batch_rows: int, batch_columns: int) -> None:
        nonlocal read
        read += batch_rows * batch_columns
        progress(min(read / cells, 1.0) * _SCANNED, f"looked at {read:,} of {cells:,} values")

    progress(0.0, f"looking at {rows:,} rows of {len(columns):,} columns")
    if not parameters.sample:
        return scan(engine, columns, step, analyse=analyse)
    drawn = engine.keyed_sample(parameters.sample, key=parameters.key, columns=columns, seed=parameters.seed)
    kinds = {name: engine.columns[name] for name in columns}
    return scan_batches(drawn.to_batches(), kinds, step, analyse=analyse)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate pii``."""
    parser.add_argument("--columns", type=names, default=[], metavar="A,B", help="look at these only")
    parser.add_argument("--sample", type=int, default=0, metavar="ROWS", help="look at so many rows, not at all")
    parser.add_argument("--key", type=names, default=[], metavar="ID", help="columns that identify a row, for --sample")
    parser.add_argument("--free-text", action="store_true", help="read running text with presidio-analyzer too")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {
        "columns": args.columns,
        "sample": args.sample,
        "key": args.key,
        "free_text": args.free_text,
        "seed": args.seed,
    }


KIND = Kind(
    name="pii",
    help="personal data and secrets, by column",
    inputs=("data",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
