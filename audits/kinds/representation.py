"""``evaluate representation``: how many rows data hold of each group, beside the population. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.engines.watching import watched
from audits.kinds.fairness import population
from audits.kinds.given import Given
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names, numbers
from audits.parameters import parse_column_sets, parse_population
from audits.report import Report, make_report
from registry.errors import InvalidInput

MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RepresentationParameters:
    """How representation is to be measured.

    Attributes
    ----------
    over
        The sets of columns whose groups are counted; several columns mean the groups where they cross.
    population
        Column to group to its share of the population that the data should represent, taken as exact.
    confidences
        Coverages of the intervals.
    max_groups
        Most groups that one column may have.
    """

    over: tuple[tuple[str, ...], ...]
    population: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confidences: tuple[float, ...] = (0.95,)
    max_groups: int = 100

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists."""
        return {
            "over": [list(columns) for columns in self.over],
            "population": {column: dict(shares) for column, shares in self.population.items()},
            "confidences": list(self.confidences),
            "max_groups": self.max_groups,
        }


def parse(given: Mapping[str, Any]) -> RepresentationParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, of the wrong type or out of range.
    """
    values = Given(given, "representation", RepresentationParameters.__slots__)
    over = parse_column_sets(given.get("over", ()))
    if not over:
        raise InvalidInput("name at least one column of groups", field="over")
    long = next((columns for columns in over if len(columns) > MOST_COLUMNS), None)
    if long is not None:
        raise InvalidInput(f"at most {MOST_COLUMNS} columns can be crossed, not {len(long)}", field="over")
    return RepresentationParameters(
        over=over,
        population=parse_population(given.get("population") or {}),
        confidences=values.confidences(),
        max_groups=values.whole("max_groups", 100, least=2),
    )


def run(inputs: Sequence[Data], parameters: RepresentationParameters, progress: Progress) -> Report:
    """Rows and share of each group of one table, and its ratio to the population's share."""
    from audits.measures.group_shares import count_groups, share_measurements, share_series, whole_count

    progress(0.0, "opening the table")
    with open_data(inputs[0]) as engine:
        with watched(engine, progress, 0.0, 1.0, "counting rows by group", passes=len(parameters.over)):
            found = [
                count_groups(engine, columns, parameters.population, most_groups=parameters.max_groups)
                for columns in parameters.over
            ]
        warnings = [warning for one in found for warning in one.warnings]
        absent = [column for column in parameters.population if (column,) not in parameters.over]
        warnings += [f"population of {column!r}: that column is not counted here by itself" for column in absent]
        return make_report(
            "representation",
            [
                whole_count(found[0]),
                *(item for one in found for item in share_measurements(one, parameters.confidences)),
            ],
            origins=engine.origins,
            parameters=parameters.as_json(),
            engine=engine.name,
            warnings=list(dict.fromkeys(warnings)),
            series=[share_series(one, parameters.confidences[0]) for one in found],
        )


def _sets(text: str) -> list[list[str]]:
    """Sets of columns, ``race,race+sex``, as an argparse type."""
    return [[part.strip() for part in name.split("+")] for name in names(text)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate representation``."""
    parser.add_argument(
        "--over", required=True, type=_sets, metavar="A,B,A+B", help="columns of groups; + crosses columns"
    )
    parser.add_argument(
        "--population",
        type=population,
        action="append",
        default=[],
        metavar="COLUMN:GROUP=SHARE,...",
        help="shares of the population that the groups of a column should represent; may be repeated",
    )
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--max-groups", type=int, default=100, metavar="N", help="most groups of one column")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {
        "over": args.over,
        "population": dict(args.population),
        "confidences": args.confidence,
        "max_groups": args.max_groups,
    }


KIND = Kind(
    name="representation",
    help="how many rows there are of each group, and its share beside the population's",
    inputs=("data",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
