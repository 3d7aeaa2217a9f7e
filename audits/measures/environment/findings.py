"""What a report of known vulnerabilities says, whichever tool wrote it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audits.measures.environment.severity import LEVELS, UNKNOWN, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """A known vulnerability of one version of one package.

    Attributes
    ----------
    id, aliases
        Its names: of advisories (``GHSA-…``, ``PYSEC-…``) and of the common list (``CVE-…``).
    package, version
        The package by its normalised name, and the version that the report looked at; empty where it does not say.
    severity
        One of :data:`audits.measures.environment.severity.LEVELS`.
    fixed
        Versions in which it is mended.
    note
        What else the report says of it, such as ``not affected``.
    """

    id: str
    package: str
    version: str = ""
    severity: str = UNKNOWN
    aliases: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One report.

    Attributes
    ----------
    name, tool
        The file, and what wrote it.
    made_at
        When, as ISO 8601 text; empty where the report does not say.
    looked_at
        The packages that it looked at, vulnerable or not: ``(name, version)``.
    vulnerabilities
        What it found.
    skipped
        Packages that it names but could not look at, with the reason.
    """

    name: str
    tool: str
    looked_at: frozenset[tuple[str, str]]
    vulnerabilities: tuple[Vulnerability, ...]
    made_at: str = ""
    skipped: tuple[str, ...] = ()


def merged(found: Iterable[Vulnerability]) -> list[Vulnerability]:
    """One entry for what several reports, or several databases, call by different names; the worst severity counts.

    Returns
    -------
    list of Vulnerability
        The worst first, then by package and name.
    """
    groups: dict[tuple[str, str, str], list[Vulnerability]] = {}
    for item in found:
        own, taken = [item], set[int]()
        for name in (item.id, *item.aliases):
            group = groups.get((item.package, item.version, name))
            if group is not None and id(group) not in taken:
                taken.add(id(group))
                own += group
        for member in own:
            for name in (member.id, *member.aliases):
                groups[member.package, member.version, name] = own
    distinct = {id(group): group for group in groups.values()}
    return sorted(
        (_one(group) for group in distinct.values()), key=lambda one: (LEVELS.index(one.severity), one.package, one.id)
    )


def _one(group: Sequence[Vulnerability]) -> Vulnerability:
    names = {name for item in group for name in (item.id, *item.aliases)}
    # The name of the common list before those of single databases: people know it.
    first = min(names, key=lambda name: (not name.startswith("CVE-"), not name.startswith("GHSA-"), name))
    return replace(
        min(group, key=lambda item: item.id),
        id=first,
        aliases=tuple(sorted(names - {first})),
        severity=worst(item.severity for item in group),
        fixed=tuple(sorted({version for item in group for version in item.fixed})),
        note="; ".join(sorted({item.note for item in group if item.note})),
    )
