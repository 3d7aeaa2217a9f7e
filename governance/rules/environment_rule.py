"""The check ``environment``: recorded packages against what runs, and known vulnerabilities by report. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from audits.data_roles import PACKAGES, VULNERABILITIES
from audits.measures.environment.severity import LEVELS, UNKNOWN
from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule
from governance.rules.metrics import Metric, parse_bounds
from governance.rules.rule import Detail, Need, common_fields
from registry.errors import InvalidInput

COUNT, COVERAGE, SEVERITY = "vulnerabilities", "vulnerability_coverage", "severity"
_OF_REPORTS = (COUNT, COVERAGE, "vulnerability_report_age_days")


def _count(words: str) -> Metric:
    return Metric(words, highest=math.inf, lower_is_better=True, whole=True)


ENVIRONMENT: Mapping[str, Metric] = {
    "package_differences": _count("number of recorded packages that do not run here as recorded"),
    "absent_packages": _count("number of recorded packages that are not here"),
    "unpinned_packages": _count("number of packages recorded without one version"),
    COUNT: _count("number of known vulnerabilities"),
    COVERAGE: Metric("share of recorded packages that reports of vulnerabilities looked at"),
    "vulnerability_report_age_days": _count("age in days of the oldest report of vulnerabilities"),
}
"""What is measured of an environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRule(MeasuredRule):
    """``{check: environment, metric: vulnerabilities, severity: [critical, high], at_most: 0}``.

    Attributes
    ----------
    severities
        Those whose vulnerabilities are counted, each by itself; the unknown one is always among them.
    coverage
        The share of recorded packages that reports must have looked at before no vulnerability means that there is none.
    """

    check: ClassVar[str] = "environment"

    severities: tuple[str, ...] = ()
    coverage: float = 1.0

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping.

        Raises
        ------
        InvalidInput
            If ``severity`` or ``coverage`` stand with a metric that knows neither.
        """
        counts = data["metric"] == COUNT
        for key in ("severity", "coverage"):
            if key in data and not counts:
                raise InvalidInput(f"{path}.{key} belongs to {COUNT}", field=f"{path}.{key}")
        asked = data.get("severity", [level for level in LEVELS if level != UNKNOWN])
        return cls(
            **common_fields(data),
            metric=data["metric"],
            bounds=parse_bounds(data, ENVIRONMENT[data["metric"]], path),
            severities=(*asked, UNKNOWN) if counts else (),
            coverage=float(data.get("coverage", 1.0)),
        )

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The look at the environment that the manifest records."""
        return Need(kind=self.check, key=self.key, roles=(PACKAGES,), parameters={})

    def statement(self) -> str:
        """The rule as one sentence."""
        if not self.severities:
            return f"The {self._words} must be {self.bounds.words()}."
        known = wording.listed(level for level in self.severities if level != UNKNOWN)
        return (
            f"The {self._words} of severity {known}, each by itself, must be {self.bounds.words()}, and reports must have "
            f"looked at {wording.percent(self.coverage)} of the recorded packages."
        )

    @property
    def _words(self) -> str:
        return ENVIRONMENT[self.metric].words

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value, or the count of every severity, which counts for nothing where too little was looked at."""
        if not self.severities:
            return [self._looked(facts, {})]
        looks = [self._looked(facts, {SEVERITY: level}) for level in self.severities]
        gap = self._gap(facts)
        if not gap or any(look.detail.status == "fail" for look in looks):
            return looks
        return [
            Look(replace(look.detail, status="missing", note=gap), self.how_to_measure())
            if look.detail.status == "pass"
            else look
            for look in looks
        ]

    def _looked(self, facts: Facts, place: Mapping[str, str]) -> Look:
        look = self.look_at_place(facts, place)
        return look if look.detail.status != "missing" else replace(look, fix=self.how_to_measure())

    def _gap(self, facts: Facts) -> str:
        """Why the reports are not enough; empty where they are."""
        if self.coverage <= 0:
            return ""
        shares = {m.value for m in facts.measurements[self.key] if m.metric == COVERAGE}
        if len(shares) != 1 or None in shares:
            return "it is not known how many of the recorded packages reports looked at"
        share = min(value for value in shares if value is not None)
        if share >= self.coverage:
            return ""
        asked = wording.percent(self.coverage)
        return f"reports looked at {wording.percent(share)} of the recorded packages, and {asked} are asked for"

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        severity = detail.slice.get(SEVERITY)
        return f"The {self._words} of {severity} severity" if severity else f"The {self._words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list: the severity, where there is one."""
        return detail.slice.get(SEVERITY, "")

    def how_to_measure(self) -> str:
        """The fix when it is not known."""
        record = "Name a requirements or lock file with the exact version of every package under environment.packages"
        if self.metric not in _OF_REPORTS:
            return f"{record} in the manifest, and submit again."
        return (
            f"{record} in the manifest, add a report on all of them with the role {VULNERABILITIES} (JSON of pip-audit, OSV-Scanner, Grype, "
            "or CycloneDX with vulnerabilities), and submit again."
        )

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        if self.metric == COUNT:
            return "Train anew with the versions in which these are mended, and submit a new version with a new report."
        if self.metric in _OF_REPORTS:
            return "Look through the recorded packages again, and submit a new version with the new report."
        return "Train anew with the versions that run here, or have them installed, and submit a new version."
