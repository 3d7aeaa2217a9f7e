"""``evaluate anonymity``: how well records hide among each other. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audits.engines.opening import Data, open_data
from audits.engines.port import Progress
from audits.engines.watching import watched
from audits.kinds.given import Given
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names
from audits.report import Report, make_report
from registry.errors import InvalidInput

MOST_QUASI = 20
_DIVERSE = 0.6
_OF_SENSITIVE, _OF_SEARCH = 4, 20
"""About so many queries each sensitive column, and the search, ask: what progress is measured by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymityParameters:
    """How anonymity is to be measured.

    Attributes
    ----------
    quasi
        The quasi-identifiers: columns that somebody may know of a person from elsewhere. At most 20.
    sensitive
        Columns that nobody should learn of a person.
    categorical
        Sensitive columns of numbers or dates that are codes, without an order.
    single_out
        A set of columns singles out if more than this share of the rows is unique in it.
    identify
        Whether to look for the columns that make records unique.
    """

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    single_out: float = 0.05
    identify: bool = True

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def parse(given: Mapping[str, Any]) -> AnonymityParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, of the wrong type, or in contradiction to another.
    """
    values = Given(given, "anonymity", AnonymityParameters.__slots__)
    quasi, sensitive = values.texts("quasi"), values.texts("sensitive")
    if not quasi:
        raise InvalidInput("name at least one quasi-identifier", field="quasi")
    if len(quasi) > MOST_QUASI:
        raise InvalidInput(f"name at most {MOST_QUASI} quasi-identifiers, not {len(quasi)}", field="quasi")
    both = [column for column in sensitive if column in quasi]
    if both:
        raise InvalidInput(f"{both[0]!r} cannot be sensitive and a quasi-identifier at once", field="sensitive")
    categorical = values.texts("categorical")
    strange = [column for column in categorical if column not in sensitive]
    if strange:
        raise InvalidInput(f"{strange[0]!r} is categorical but not sensitive", field="categorical")
    return AnonymityParameters(
        quasi=quasi,
        sensitive=sensitive,
        categorical=categorical,
        single_out=values.number("single_out", 0.05, 0.0, 1.0),
        identify=values.flag("identify", default=True),
    )


def run(inputs: Sequence[Data], parameters: AnonymityParameters, progress: Progress) -> Report:
    """k-anonymity, l-diversity and t-closeness of one table, and the columns that make its records unique."""
    from audits.measures.anonymity.classes import diversify_classes, size_classes
    from audits.measures.anonymity.identifying import find_identifying
    from audits.measures.anonymity.keys import make_keys
    from audits.measures.anonymity.results import Anonymity, measurements_of, series_of, warnings_of

    progress(0.0, "opening the table")
    with open_data(inputs[0]) as engine:
        engine.require(*parameters.quasi, field="quasi")
        engine.require(*parameters.sensitive, field="sensitive")
        rows = engine.rows()
        if not rows:
            raise InvalidInput(f"{inputs[0].name}: has no rows; anonymity needs at least one", field="data")
        passes = len(parameters.quasi) + 1 + _OF_SENSITIVE * len(parameters.sensitive)
        with watched(engine, progress, 0.0, _DIVERSE, f"putting {rows:,} rows into classes", passes=passes):
            keys = make_keys(engine, parameters.quasi)
            diversities = []
            sizes = None
            for column in parameters.sensitive:
                sizes, diversity = diversify_classes(engine, keys, column, parameters.categorical)
                diversities.append(diversity)
            sizes = sizes or size_classes(engine, keys)
        identifying = None
        if parameters.identify:
            with watched(engine, progress, _DIVERSE, 1.0, "finding what makes records unique", passes=_OF_SEARCH):
                identifying = find_identifying(
                    engine, keys, sizes, share=parameters.single_out, step=lambda note: progress(_DIVERSE, note)
                )
        found = Anonymity(
            rows=rows, sizes=sizes, diversities=tuple(diversities), identifying=identifying, parameters=parameters
        )
        return make_report(
            "anonymity",
            measurements_of(found),
            origins=engine.origins,
            parameters=parameters.as_json(),
            engine=engine.name,
            warnings=warnings_of(found),
            series=series_of(found),
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate anonymity``."""
    parser.add_argument(
        "--quasi", required=True, type=names, metavar="A,B", help="columns that may be known of a person from elsewhere"
    )
    parser.add_argument("--sensitive", type=names, default=[], metavar="S,T", help="columns that nobody should learn")
    parser.add_argument(
        "--categorical",
        type=names,
        default=[],
        metavar="S",
        help="sensitive numbers or dates that are codes, unordered",
    )
    parser.add_argument(
        "--single-out", type=float, default=0.05, metavar="SHARE", help="look for sets of columns that make more unique"
    )
    parser.add_argument(
        "--no-identifying-columns", action="store_true", help="do not look for the columns that make records unique"
    )


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {
        "quasi": args.quasi,
        "sensitive": args.sensitive,
        "categorical": args.categorical,
        "single_out": args.single_out,
        "identify": not args.no_identifying_columns,
    }


KIND = Kind(
    name="anonymity",
    help="k-anonymity, l-diversity, t-closeness, and the columns that make records unique",
    inputs=("data",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
