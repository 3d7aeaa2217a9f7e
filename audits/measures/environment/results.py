"""The measurements and lists of an environment, for rules and for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audits.measurement import Measurement
from audits.measures.environment.coverage import Coverage
from audits.measures.environment.findings import Scan, Vulnerability
from audits.measures.environment.running import ABSENT, DIFFERENT, UNPINNED, Compared
from audits.measures.environment.severity import LEVELS
from audits.series import Series

_NAMED = 5
_NO_RECORD = "the manifest records no packages: name a requirements or lock file under environment.packages"
_NO_REPORT = "no report of known vulnerabilities was given"
_NO_DATE = "no report says when it was made"

_EXACT = "exact count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found; ``compared`` and ``coverage`` are None where there is no record, or no report."""

    compared: Sequence[Compared] | None
    python: Compared | None
    coverage: Coverage | None
    scans: Sequence[Scan]
    as_of: str | None


def measurements_of(found: Found) -> list[Measurement]:
    """Counts of packages and of vulnerabilities, by severity; what cannot be known has no value, and says why."""
    return [*_of_packages(found), *_of_vulnerabilities(found)]


def _of_packages(found: Found) -> list[Measurement]:
    names = ("packages", "package_differences", "absent_packages", "unpinned_packages")
    if found.compared is None:
        return [_unknown(name, _NO_RECORD) for name in names]
    rows = [*found.compared, *([found.python] if found.python else [])]
    different = [row.name for row in rows if row.state in DIFFERENT]
    absent = [row.name for row in rows if row.state == ABSENT]
    unpinned = [row.name for row in rows if row.state == UNPINNED]
    counts: tuple[list[str], ...] = ([row.name for row in found.compared], different, absent, unpinned)
    return [
        Measurement(
            metric=name,
            value=float(len(which)),
            n=len(rows),
            method=_EXACT,
            note="" if name == "packages" else named(which),
        )
        for name, which in zip(names, counts, strict=True)
    ]


def named(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _of_vulnerabilities(found: Found) -> list[Measurement]:
    if found.coverage is None:
        why = _NO_RECORD if found.scans else _NO_REPORT
        measured = [_unknown("vulnerabilities", why, severity=level) for level in LEVELS]
        return [*measured, _unknown("vulnerability_coverage", why), _unknown("vulnerability_report_age_days", why)]
    coverage = found.coverage
    looked = len(coverage.covered) + len(coverage.uncovered)
    measured = []
    for level in LEVELS:
        these = [item for item in coverage.counted if item.severity == level]
        note = named([f"{item.id} in {item.package} {item.version}".strip() for item in these])
        place = {"severity": level}
        measured.append(
            Measurement(
                metric="vulnerabilities", slice=place, value=float(len(these)), n=looked, method=_EXACT, note=note
            )
        )
    left = f"not looked at: {named(coverage.uncovered)}" if coverage.uncovered else ""
    share = Measurement(
        metric="vulnerability_coverage",
        value=coverage.share,
        n=looked,
        method="exact share",
        note=left or _all(coverage),
    )
    return [*measured, share, _age(found)]


def _all(coverage: Coverage) -> str:
    return "" if coverage.share is not None else "no package is recorded"


def _age(found: Found) -> Measurement:
    """Days since the oldest report was made: a policy that asks for a young one asks it of all."""
    moments = [moment for scan in found.scans if (moment := _moment(scan.made_at)) is not None]
    until = _moment(found.as_of or "")
    if until is None or len(moments) < len(found.scans):
        return _unknown("vulnerability_report_age_days", _NO_DATE if until else "no day to count to was given")
    days = (until.date() - min(moments).date()).days
    note = "a report is dated in the future" if days < 0 else ""
    value = None if note else float(days)
    return Measurement(metric="vulnerability_report_age_days", value=value, n=len(moments), method="exact", note=note)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_seconds(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(text: str) -> str:
    """Without the nanoseconds that Go programs write, which Python does not read."""
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    return head + rest.lstrip("0123456789")


def _unknown(metric: str, why: str, **place: str) -> Measurement:
    return Measurement(metric=metric, slice=place, value=None, n=0, method=_EXACT, note=why)


def series_of(found: Found) -> list[Series]:
    """The packages, those that differ first; the vulnerabilities, the worst first; the reports."""
    listed: list[Series] = []
    if found.compared is not None:
        rows = [*([found.python] if found.python else []), *found.compared]
        rows.sort(key=lambda row: row.state not in DIFFERENT)
        listed.append(
            Series(
                name="packages",
                title="Recorded packages against what runs",
                columns=("package", "recorded", "running", "state"),
                rows=tuple((row.name, row.recorded, row.running or None, row.state) for row in rows),
            )
        )
    if found.coverage is not None:
        counted = [_row(item, counts=True) for item in found.coverage.counted]
        beside = [_row(item, counts=False) for item in found.coverage.of_other_versions]
        listed.append(
            Series(
                name="vulnerabilities",
                title="Known vulnerabilities",
                columns=("severity", "id", "package", "version", "fixed", "aliases", "counts", "note"),
                rows=tuple(counted + beside),
            )
        )
    if found.scans:
        rows_of_scans = tuple(
            (scan.name, scan.tool, scan.made_at or None, len(scan.looked_at), len(scan.vulnerabilities))
            for scan in found.scans
        )
        listed.append(
            Series(
                name="vulnerability_reports",
                title="Reports of known vulnerabilities",
                columns=("report", "tool", "made_at", "packages", "entries"),
                rows=rows_of_scans,
            )
        )
    return listed


def _row(item: Vulnerability, *, counts: bool) -> tuple[object, ...]:
    note = item.note if counts else "; ".join(filter(None, [item.note, "of another version than the recorded one"]))
    version = item.version or None
    return item.severity, item.id, item.package, version, list(item.fixed), list(item.aliases), counts, note
