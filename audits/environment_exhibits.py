"""Exhibits of environments: packages that differ first, vulnerabilities the worst first, and the reports they come from. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audits.exhibit import Column, Exhibit, counted, note, table_exhibit, text
from audits.series import Series
from audits.tables import Cell
from audits.wording import STATUS_MARKS, day

_STATES = {"other version": "fail", "absent": "fail", "not pinned": "inconclusive"}
_SEVERITIES = {"critical": "fail", "high": "fail", "medium": "inconclusive", "unknown": "inconclusive"}


def _marked(value: Any, statuses: dict[str, str]) -> Cell:
    """A word with its shape and colour."""
    status = statuses.get(value, "pass")
    return (status, f"{STATUS_MARKS[status]} {value}")


def _state(value: Any) -> Cell:
    return _marked(value, _STATES)


def _severity(value: Any) -> Cell:
    return _marked(value, _SEVERITIES) if value in _SEVERITIES else text(value)


def _day(value: Any) -> Cell:
    """The day of a report; as it is written where it is no time that we write."""
    written = str(value or "")
    return text(day(written) if written.endswith("Z") and "." not in written else written[:10])


_PACKAGES = (
    Column("package", "Package"), Column("recorded", "Recorded"), Column("running", "Here"),
    Column("state", "State", _state),
)  # fmt: skip
_HOLES = (
    Column("severity", "Severity", _severity), Column("id", "Vulnerability"), Column("package", "Package"),
    Column("version", "Version"), Column("fixed", "Fixed in"), Column("aliases", "Also called"), Column("note", "Note", note),
)  # fmt: skip
_REPORTS = (
    Column("report", "Report"), Column("tool", "Made by"), Column("made_at", "Made on", _day),
    Column("packages", "Packages", counted), Column("entries", "Entries", counted),
)  # fmt: skip


def packages(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Packages that do not run as recorded; the others only when asked for."""
    yield table_exhibit(
        f"{kind}-packages", series[0].title, series, _PACKAGES, matters=lambda record: record["state"] in _STATES,
        rest_title=("{n} package as recorded", "{n} packages as recorded"),
    )  # fmt: skip


def vulnerabilities(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What reports know of the recorded packages; of other versions only when asked for."""
    if not any(item.rows for item in series):
        return
    yield table_exhibit(
        f"{kind}-vulnerabilities", series[0].title, series, _HOLES, matters=lambda record: bool(record["counts"]),
        rest_title=("{n} of a version that is not the recorded one", "{n} of versions that are not the recorded ones"),
        note="As reports that came with the version say; a severity that none tells counts as any.",
    )  # fmt: skip


def reports(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The reports themselves."""
    yield table_exhibit(f"{kind}-reports", series[0].title, series, _REPORTS)
