"""One inspection of a table, from the engines to the report."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from audits.engines.opening import open_data
from audits.measures.quality.checks import Table, days_since, examine
from audits.measures.quality.expectations import TIMED, Expectations, moment
from audits.measures.quality.integrity import check_integrity
from audits.measures.quality.label import read_label
from audits.measures.quality.leakage import measure_leakage
from audits.measures.quality.overlap import Overlap, exact_overlap, near_overlap, shared_columns
from audits.measures.quality.profile import count_distinct_rows, count_keyless, profile_columns
from audits.measures.quality.results import Quality, measurements_of, series_of
from audits.report import Report, make_report
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.opening import Data
    from audits.engines.port import Engine, Progress
    from audits.kinds.quality import QualityParameters
    from audits.measures.quality.expectations import Outcome
    from audits.measures.quality.integrity import Integrity
    from audits.measures.quality.label import Leakage
    from audits.measures.quality.profile import Column

_COUNTED, _REPEATED, _LEAKED, _COMPARED, _NEAR, _EXAMINED = 0.35, 0.45, 0.65, 0.75, 0.95, 0.97


def inspect(data: Data, test: Data, reference: Data, parameters: QualityParameters, progress: Progress) -> Report:
    """Inspect ``data``, with test and reference data where they are given.

    Raises
    ------
    InvalidInput
        If a named column is not there, or two tables share no column.
    PredictionsError
        If a file is not what it should be.
    """
    with ExitStack() as stack:
        progress(0.0, "opening the table")
        engine = stack.enter_context(open_data(data))
        others = [stack.enter_context(open_data(other)) if _given(other) else None for other in (test, reference)]
        _require(engine, parameters)
        inspection = _Inspection(engine, others[0], others[1], parameters, progress)
        found = inspection.run()
        return make_report(
            "quality",
            measurements_of(found),
            origins=[origin for one in (engine, *others) if one is not None for origin in one.origins],
            parameters=parameters.as_json(),
            engine=engine.name,
            warnings=inspection.warnings(found),
            series=series_of(found),
        )


def _given(data: Data) -> bool:
    return data.path is not None or bool(data.url)


def _require(engine: Engine, parameters: QualityParameters) -> None:
    for field in ("label", "timestamp"):
        name = getattr(parameters, field)
        if name is not None:
            engine.require(name, field=field)
    engine.require(*parameters.key, field="key")
    if parameters.timestamp and engine.columns[parameters.timestamp] not in TIMED:
        kind = engine.columns[parameters.timestamp]
        raise InvalidInput(f"{parameters.timestamp!r} holds values of kind {kind}, not dates", field="timestamp")


class _Inspection:
    """The steps of an inspection, each upon what the earlier ones found."""

    def __init__(
        self,
        engine: Engine,
        test: Engine | None,
        reference: Engine | None,
        parameters: QualityParameters,
        progress: Progress,
    ) -> None:
        self.engine = engine
        self.test = test
        self.reference = reference
        self.parameters = parameters
        self.expectations = parameters.expectations or Expectations()
        self.progress = progress

    def run(self) -> Quality:
        """All steps."""
        columns = profile_columns(self.engine, lambda done, note: self.progress(done * _COUNTED, note))
        rows = self.engine.rows()
        repeated, keyless = self._repeated(rows)
        leakages = self._leakages(columns)
        exact, near = self._overlaps(rows)
        integrity = self._integrity()
        self.progress(_NEAR, "examining the expectations")
        as_of = moment(self.parameters.as_of)
        table = Table(
            engine=self.engine,
            columns=columns,
            rows=rows,
            repeated=repeated,
            keyless=keyless,
            integrity=integrity,
            as_of=as_of,
        )
        stamp = self.parameters.timestamp or self.expectations.table.get("freshness", {}).get("column")
        fresh = stamp is not None and stamp in columns and as_of is not None
        return Quality(
            rows=rows,
            columns=columns,
            repeated=repeated,
            leakages=leakages,
            exact=exact,
            near=near,
            freshness=(stamp, days_since(columns[stamp], as_of)) if fresh and stamp and as_of else None,
            integrity={name: one for name, one in integrity.items() if name in columns},
            outcomes=self._outcomes(table),
            confidence=self.parameters.confidence,
            disclosed=not self.engine.disclosure,
        )

    def _repeated(self, rows: int) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
        """Rows beyond the first of each key, and rows without one; the whole row under ``()``."""
        self.progress(_COUNTED, "looking for duplicates")
        comparable = [name for name, kind in self.engine.columns.items() if kind != "other"]
        repeated: dict[tuple[str, ...], int] = {}
        keyless: dict[tuple[str, ...], int] = {}
        if comparable:
            repeated[()] = rows - count_distinct_rows(self.engine, comparable)
        asked = [self.parameters.key, tuple(self.expectations.table.get("key", ()))]
        for key in dict.fromkeys(key for key in asked if key and all(name in self.engine.columns for name in key)):
            keyless[key] = count_keyless(self.engine, list(key))
            repeated[key] = rows - keyless[key] - count_distinct_rows(self.engine, list(key), whole=True)
        return repeated, keyless

    def _leakages(self, columns: dict[str, Column]) -> tuple[Leakage, ...]:
        if self.parameters.label is None:
            return ()
        label = read_label(self.engine, self.parameters.label)
        features = [name for name in columns if name != label.column]
        found = []
        for place, name in enumerate(features):
            share = place / max(len(features), 1)
            self.progress(_REPEATED + share * (_LEAKED - _REPEATED), f"what {name!r} knows of the label")
            found.append(measure_leakage(self.engine, label, name, self.parameters.confidence))
        return tuple(found)

    def _overlaps(self, rows: int) -> tuple[Overlap | None, Overlap | None]:
        if self.test is None:
            return None, None
        if self.engine.disclosure or self.test.disclosure:
            unknown = Overlap(note="the disclosure threshold holds back the rows to compare, their digests too")
            return unknown, unknown
        self.progress(_LEAKED, "looking for test rows in the data")
        kinds = shared_columns(self.engine, self.test)
        both = (rows, self.test.rows())
        exact = exact_overlap(self.engine, self.test, kinds, both)
        if not self.parameters.near_rows:
            return exact, None

        def step(done: float) -> None:
            self.progress(_COMPARED + done * (_NEAR - _COMPARED), "looking for near twins of test rows")

        sample = self.parameters.near_rows
        return exact, near_overlap(self.engine, self.test, kinds, both, sample=sample, step=step)

    def _integrity(self) -> dict[str, Integrity]:
        asked = {
            name: wanted["references"] for name, wanted in self.expectations.columns.items() if "references" in wanted
        }
        if self.reference is None:
            return {}
        return {name: check_integrity(self.engine, name, self.reference, other) for name, other in asked.items()}

    def _outcomes(self, table: Table) -> tuple[Outcome, ...] | None:
        if self.parameters.expectations is None and self.parameters.imported is None:
            return None
        own = examine(self.expectations, table) if self.parameters.expectations is not None else []
        self.progress(_EXAMINED, "writing the report")
        return (*own, *(self.parameters.imported or ()))

    def warnings(self, found: Quality) -> list[str]:
        """What a reader must know beside the numbers."""
        said = []
        if not found.rows:
            said.append("the table has no rows")
        said += [
            f"{rows:,} rows repeat a key ({', '.join(key)})" for key, rows in found.repeated.items() if key and rows
        ]
        if found.near is not None and not found.near.rows:
            said.append(f"near twins were not looked for: {found.near.note}")
        other = [name for name, column in found.columns.items() if column.kind == "other"]
        if other:
            said.append(f"counted but not compared, because of their kind: {', '.join(other)}")
        if self.reference is not None and not self.expectations.needs_reference:
            said.append("reference data were given, but no expectation refers to them")
        if self.parameters.imported is not None:
            sources = ", ".join(sorted({one.source for one in self.parameters.imported})) or "an empty report"
            said.append(f"imported results ({sources}) are taken as they stand; they were not measured here")
        return said
