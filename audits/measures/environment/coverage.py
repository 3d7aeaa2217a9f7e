"""What reports of vulnerabilities say of the recorded packages, and of which they say nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audits.measures.environment.findings import Scan, Vulnerability, merged
from audits.measures.environment.requirements import Package, same_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Reports against the record.

    Attributes
    ----------
    covered, uncovered
        The recorded packages whose recorded version was looked at, and the others.
    counted
        Vulnerabilities of recorded packages in the recorded version, and of packages that are not recorded at all: those
        are in the environment that was looked at, and nothing says that they are not in the model's.
    of_other_versions
        Vulnerabilities of another version than the recorded one: they tell nothing of it.
    other_versions
        ``name version`` of what was looked at in another version than the recorded one.
    not_recorded
        Names that were looked at and are not recorded.
    """

    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    counted: tuple[Vulnerability, ...]
    of_other_versions: tuple[Vulnerability, ...]
    other_versions: tuple[str, ...]
    not_recorded: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """The share of the recorded packages that were looked at; None where none is recorded."""
        total = len(self.covered) + len(self.uncovered)
        return len(self.covered) / total if total else None


def cover(recorded: Sequence[Package], scans: Sequence[Scan]) -> Coverage:
    """Hold reports against the record: a report covers a package only in the version that is recorded."""
    versions: dict[str, set[str]] = {}
    for package in recorded:
        versions.setdefault(package.name, set()).add(package.version)
    looked = sorted({place for scan in scans for place in scan.looked_at})
    matching = {name for name, version in looked if name in versions and _fits(versions[name], version)}
    others = [(name, version) for name, version in looked if name in versions and not _fits(versions[name], version)]
    found = merged(item for scan in scans for item in scan.vulnerabilities)
    beside = [item for item in found if item.package in versions and not _fits(versions[item.package], item.version)]
    return Coverage(
        covered=tuple(sorted(matching)),
        uncovered=tuple(sorted(set(versions) - matching)),
        counted=tuple(item for item in found if item not in beside),
        of_other_versions=tuple(beside),
        other_versions=tuple(f"{name} {version}".strip() for name, version in others),
        not_recorded=tuple(sorted({name for name, _ in looked if name not in versions})),
    )


def _fits(recorded: set[str], looked: str) -> bool:
    """Whether a version is the recorded one; where none is recorded, any is."""
    return any(not version or same_version(version, looked) for version in recorded)
