"""``evaluate bias-audit``: selection and scoring rates and impact ratios, as NYC Local Law 144 tables. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.engines.watching import watched
from audits.kinds.kind import Kind
from audits.kinds.prediction_inputs import names, numbers
from audits.measures.bias_audit.parameters import BiasAudit, parse_bias_audit
from audits.report import Report, make_report

_COUNTED = 0.5
_PASSES = 6
"""About so many queries are asked: what progress is measured by."""


def run(inputs: Sequence[Data], parameters: BiasAudit, progress: Progress) -> Report:
    """The tables of a bias audit, of people or of published counts."""
    from audits.engines.opening import open_data
    from audits.measures.bias_audit.categories import scorings, selections
    from audits.measures.bias_audit.reporting import SCORING, SCORING_BESIDE, SELECTION, publication, report

    progress(0.0, "counting people by category")
    with open_data(inputs[0]) as engine:
        with watched(engine, progress, 0.0, _COUNTED, "counting people by category", passes=_PASSES):
            audits = [(selections(engine, parameters), SELECTION)] if parameters.selected else []
            if parameters.score:
                mode = SCORING_BESIDE if audits else SCORING
                audits.append((scorings(engine, parameters), mode))
        progress(_COUNTED, "comparing categories")
        parts = [report(people, mode, parameters) for people, mode in audits]
        people = audits[-1][0]
        published = publication(parameters, assessed=int(people.assessed.sum()), median=people.median)
        return make_report(
            "bias-audit",
            [measurement for part in parts for measurement in part[0]],
            origins=engine.origins,
            parameters=parameters.as_json(),
            engine=engine.name,
            series=[*(series for part in parts for series in part[1]), published],
            warnings=list(dict.fromkeys(warning for part in parts for warning in part[2])),
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate bias-audit``."""
    parser.add_argument("--sex", metavar="COL", help="column of sex")
    parser.add_argument("--race", metavar="COL", help="column of race or ethnicity")
    parser.add_argument("--selected", metavar="COL", help="column of who was selected: 0 and 1 (or how many: --counts)")
    parser.add_argument("--score", metavar="COL", help="column of the tool's score")
    parser.add_argument("--assessed", metavar="COL", help="column of who was assessed: 0 and 1 (or how many: --counts)")
    parser.add_argument("--counts", action="store_true", help="rows are categories with counts, not people")
    parser.add_argument("--positive", metavar="VALUE", help="the value that means selected, where it is not 0 and 1")
    parser.add_argument(
        "--unknown", type=names, default=["unknown"], metavar="A,B", help="texts that stand for an unknown category"
    )
    parser.add_argument(
        "--exclude-below", type=float, default=0.0, metavar="SHARE", help="leave smaller categories out; at most 0.02"
    )
    parser.add_argument("--justification", metavar="TEXT", help="the auditor's reason for leaving categories out")
    parser.add_argument("--confidence", type=numbers, default=[0.95], metavar="C", help="coverage of the intervals")
    parser.add_argument("--date", metavar="DATE", help="date of the audit, like 2026-01-31")
    parser.add_argument("--source", metavar="TEXT", help="where the data come from")
    parser.add_argument("--explanation", metavar="TEXT", help="what the data are")
    parser.add_argument("--distribution-date", metavar="DATE", help="day from which the tool is used")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    same = ("sex", "race", "selected", "score", "assessed", "counts", "positive", "unknown", "exclude_below")
    published = ("justification", "date", "source", "explanation", "distribution_date")
    return {**{name: getattr(args, name) for name in (*same, *published)}, "confidences": args.confidence}


KIND = Kind(
    name="bias-audit",
    help="selection and scoring rates with impact ratios, as NYC Local Law 144 tables",
    inputs=("data",),
    parse=parse_bias_audit,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
