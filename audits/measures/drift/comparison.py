"""Compares two data sets from beginning to end: counts, distances, verdicts, tables. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from audits.measures.drift.column_drift import ColumnDrift, compare_categories, compare_numbers
from audits.measures.drift.correlations import MOST_COLUMNS, changes
from audits.measures.drift.domain_classifier import LEAST_ROWS, Domain, draw_rows, tell_apart
from audits.measures.drift.numbers import Numbers
from audits.measures.drift.outcome import Floors, judge
from audits.measures.drift.plan import FEATURE, Planned, failure_of, plan
from audits.measures.drift.profile import count_table, profile_table, with_categories
from audits.measures.drift.results import Whole, measurements_of
from audits.measures.drift.sides import Categories, Profile
from audits.measures.drift.sketch import profile_of, sketch_of
from audits.measures.drift.tables import tables_of
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine, Origin, Progress
    from audits.measurement import Measurement
    from audits.series import Series

_PROFILED, _COUNTED, _COMPARED = 0.4, 0.65, 0.75
_FEW_PAIRS = "fewer than two columns of numbers vary in both data sets"
_ONE_SIDED = "not run: it needs rows of both data sets, and of the reference there is a sketch only"
_SWITCHED_OFF = "not run: switched off"
_WITHHELD = "not run: rows may not leave the engine while small groups are held back"
_NO_KEY = "not run: name the columns that identify a row as the key, so that rows can be drawn"
_TOO_FEW = f"not run: it needs {LEAST_ROWS} rows of both data sets, and a feature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is wanted; see ``DriftParameters`` of the kind. ``sample`` is 0 where no classifier is."""

    columns: tuple[str, ...]
    categorical: tuple[str, ...]
    roles: Mapping[str, str]
    key: tuple[str, ...]
    bins: int
    confidences: tuple[float, ...]
    correction: str
    floors: Floors
    sample: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a comparison gives.

    Attributes
    ----------
    sketch
        Makes the reference's sketch, given what it was read from; ``None`` if one was compared with.
    """

    measurements: Sequence[Measurement]
    series: Sequence[Series]
    warnings: Sequence[str]
    sketch: Callable[[Sequence[Origin]], dict[str, Any]] | None


def compare(reference: Engine, current: Engine, settings: Settings, progress: Progress) -> Found:
    """Compare two tables.

    Raises
    ------
    InvalidInput
        If a column that was named is missing, or a table has no rows.
    """
    reference.require(*settings.key, field="key")
    planned = _planned(reference.columns, current, settings)
    names = [column.name for column in planned if column.name in reference.columns]
    progress(0.0, "counting the reference")
    profile = profile_table(
        reference, names, bins=settings.bins, step=lambda done: progress(done * _PROFILED, "counting the reference")
    )

    def domain(kinds: Mapping[str, str]) -> tuple[Domain | None, str]:
        return _domain(reference, current, kinds, settings)

    found = _compare(profile, current, planned, settings, progress, domain)
    return Found(
        measurements=found.measurements,
        series=found.series,
        warnings=found.warnings,
        sketch=lambda origins: sketch_of(profile, bins=settings.bins, origins=origins),
    )


def compare_with_sketch(sketch: Mapping[str, Any], current: Engine, settings: Settings, progress: Progress) -> Found:
    """Compare a table with the counts of a reference that were kept.

    Raises
    ------
    InvalidInput
        If the sketch is damaged, a column that was named is missing, or the table has no rows.
    """
    profile = profile_of(sketch, settings.bins)
    planned = _planned(profile.columns, current, settings)
    return _compare(profile, current, planned, settings, progress, _without_reference)


def _without_reference(kinds: Mapping[str, str]) -> tuple[Domain | None, str]:
    return None, _ONE_SIDED


def _planned(reference: Mapping[str, Any], current: Engine, settings: Settings) -> list[Planned]:
    current.require(*settings.key, field="key")
    for name in settings.categorical:
        if name not in reference and name not in current.columns:
            raise InvalidInput(f"there is no column {name!r} in either data set", field="categorical")
    return plan(reference, current.columns, columns=settings.columns, roles=settings.roles, left_out=settings.key)


def _compare(
    profile: Profile,
    current: Engine,
    planned: Sequence[Planned],
    settings: Settings,
    progress: Progress,
    domain_of: Callable[[Mapping[str, str]], tuple[Domain | None, str]],
) -> Found:
    labels = [name for name, role in settings.roles.items() if role != "score"]
    reference = with_categories(profile, settings.categorical, labels)
    both = [column.name for column in planned if not column.failure]
    progress(_PROFILED, "counting the current data")
    counted = count_table(
        current,
        both,
        reference,
        step=lambda done: progress(_PROFILED + done * (_COUNTED - _PROFILED), "counting the current data"),
    )
    progress(_COUNTED, "comparing columns")
    columns = [_column(column, reference, counted, settings.seed) for column in planned]
    progress(_COMPARED, "training a classifier to tell the data apart")
    features = {c.name: c.kind for c in columns if not c.failure and c.role == FEATURE}
    domain, no_domain = domain_of(features)
    measurements: list[Measurement] = []
    series: list[Series] = []
    for confidence in settings.confidences:
        whole = Whole(
            changes=_changes(reference, counted, confidence),
            no_changes=_FEW_PAIRS,
            domain=domain,
            no_domain=no_domain,
        )
        verdicts = judge(columns, settings.floors, confidence=confidence, correction=settings.correction)
        measurements += measurements_of(verdicts, whole, confidence)
        series = series or tables_of(verdicts, whole, confidence)
    warnings = _warnings(columns, reference)
    return Found(measurements=measurements, series=series, warnings=warnings, sketch=None)


def _column(planned: Planned, reference: Profile, current: Profile, seed: int) -> ColumnDrift:
    failure = planned.failure or failure_of(planned.name, reference, current)
    if failure:
        return ColumnDrift(name=planned.name, role=planned.role, kind="", failure=failure)
    one, two = reference.columns[planned.name].counted, current.columns[planned.name].counted
    if isinstance(one, Numbers) and isinstance(two, Numbers):
        # Its own stream of chance for every column, whichever others are compared.
        own = seed ^ crc32(planned.name.encode())
        return compare_numbers(planned.name, planned.role, one, two, seed=own)
    assert isinstance(one, Categories)
    assert isinstance(two, Categories)
    return compare_categories(planned.name, planned.role, one, two)


def _changes(reference: Profile, current: Profile, confidence: float) -> list[Any] | None:
    if reference.correlations is None or current.correlations is None:
        return None
    return changes(reference.correlations, current.correlations, confidence)


def _domain(
    reference: Engine, current: Engine, kinds: Mapping[str, str], settings: Settings
) -> tuple[Domain | None, str]:
    if not settings.sample:
        return None, _SWITCHED_OFF
    if reference.disclosure or current.disclosure:
        return None, _WITHHELD
    if not kinds:
        return None, _TOO_FEW
    drawn = [
        draw_rows(engine, list(kinds), key=settings.key, rows=settings.sample, seed=settings.seed)
        for engine in (reference, current)
    ]
    first, second = drawn
    if first is None or second is None:
        return None, _NO_KEY
    found = tell_apart(first, second, kinds, seed=settings.seed)
    return found, "" if found else _TOO_FEW


def _warnings(columns: Sequence[ColumnDrift], reference: Profile) -> list[str]:
    said = [f"column {column.name!r} {column.failure}" for column in columns if column.failure]
    numeric = [name for name, side in reference.columns.items() if isinstance(side.counted, Numbers)]
    if len(numeric) > MOST_COLUMNS:
        said.append(
            f"correlations are compared among the first {MOST_COLUMNS} of {len(numeric)} columns of numbers only"
        )
    return said
