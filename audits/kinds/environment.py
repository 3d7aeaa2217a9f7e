"""``evaluate environment``: recorded packages against what runs, and known vulnerabilities by report. Pure of Django."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Origin, Progress
from audits.kinds.given import Given
from audits.kinds.kind import NOT_GIVEN, Kind
from audits.report import Report, make_report
from registry.canonical import sha256_hex
from registry.errors import InvalidInput

_RECORD, _REPORTS = 0.1, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentParameters:
    """How an environment is to be looked at.

    Attributes
    ----------
    python
        The recorded version of Python, such as ``3.11``; the manifest's where the service measures.
    as_of
        The day to which the age of reports counts, in ISO 8601. Never the day of the evaluation by itself.
    """

    python: str | None = None
    as_of: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"python": self.python, "as_of": self.as_of}


def parse(given: Mapping[str, Any]) -> EnvironmentParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown or of the wrong type.
    """
    from audits.measures.quality.expectations import moment

    values = Given(given, "environment", EnvironmentParameters.__slots__)
    as_of = values.text("as_of")
    if as_of is not None and moment(as_of) is None:
        raise InvalidInput(f"as_of must be a date such as 2026-01-31, not {as_of!r}", field="as_of")
    return EnvironmentParameters(python=values.text("python"), as_of=as_of)


def run(inputs: Sequence[Data], parameters: EnvironmentParameters, progress: Progress) -> Report:
    """Hold the record against what runs here, and reports of vulnerabilities against the record."""
    from audits.measures.environment.coverage import cover
    from audits.measures.environment.requirements import MOST_BYTES, Package, read_packages
    from audits.measures.environment.results import Found, measurements_of, series_of
    from audits.measures.environment.running import (
        ELSEWHERE,
        compare_packages,
        compare_python,
        running_packages,
        running_python,
    )
    from audits.measures.environment.scan_reports import MOST_BYTES as MOST_SCAN_BYTES
    from audits.measures.environment.scan_reports import read_scan

    record, *given = inputs
    origins: list[Origin] = []
    warnings: list[str] = []
    progress(0.0, "reading the recorded packages")
    packages: tuple[Package, ...] | None = None
    if record.path is not None:
        recorded = read_packages(_read(record.name, record.path, MOST_BYTES, origins), record.name)
        packages = recorded.packages
        warnings += [f"{record.name}: {line} names no package by itself and was not read" for line in recorded.unread]
    python = parameters.python or record.facts.get("python") or ""
    here = running_packages()
    compared = None if packages is None else compare_packages(packages, here)
    progress(_RECORD, "reading reports of vulnerabilities")
    reports = [(name, path) for name, path in record.files.items()]
    reports += [(data.name, data.path) for data in given if data is not NOT_GIVEN and data.path is not None]
    scans = []
    for name, path in reports:
        scans.append(read_scan(_read(name, path, MOST_SCAN_BYTES, origins), name))
        progress(_REPORTS, f"read {name}")
    needed = [p for p, row in zip(packages or (), compared or (), strict=True) if row.state != ELSEWHERE]
    coverage = cover(needed, scans) if scans and packages is not None else None
    if coverage is not None:
        warnings += _said(scans, coverage)
    found = Found(
        compared=compared,
        python=compare_python(python, running_python()),
        coverage=coverage,
        scans=scans,
        as_of=parameters.as_of,
    )
    return make_report(
        "environment",
        measurements_of(found),
        origins=origins,
        parameters={**parameters.as_json(), "python": python or None},
        warnings=warnings,
        series=series_of(found),
    )


def _read(name: str, path: Path, most: int, origins: list[Origin]) -> bytes:
    """The bytes, one more than may be at most: whoever parses them refuses what is longer."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InvalidInput(f"{name}: cannot be read: {error.strerror}", field="packages") from error
    origins.append(Origin(path=name, sha256=sha256_hex(data)))
    return data


def _said(scans: Sequence[Any], coverage: Any) -> list[str]:
    """What a reader must know before trusting the reports."""
    from audits.measures.environment.results import named

    said = [f"{scan.name}: could not look at {named(scan.skipped)}" for scan in scans if scan.skipped]
    if coverage.uncovered:
        said.append(f"no report looked at the recorded version of {named(coverage.uncovered)}")
    if coverage.other_versions:
        said.append(f"looked at in another version than the recorded one: {named(coverage.other_versions)}")
    if coverage.not_recorded:
        said.append(f"looked at, but not recorded: {named(coverage.not_recorded)}")
    return said


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate environment``."""
    parser.add_argument("--python", metavar="VERSION", help="the recorded version of Python, such as 3.11")
    parser.add_argument("--as-of", metavar="DATE", help="the day to which the age of reports counts")


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters that parsed options mean."""
    return {name: value for name in ("python", "as_of") if (value := getattr(args, name)) is not None}


KIND = Kind(
    name="environment",
    help="recorded packages against what runs, and their known vulnerabilities",
    inputs=("packages",),
    optional=("vulnerabilities",),
    parse=parse,
    run=run,
    add_arguments=add_arguments,
    parameters_of=parameters_of,
)
