"""Reports of known vulnerabilities as tools write them: pip-audit, OSV-Scanner, CycloneDX and Grype, all as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from audits.measures.environment.findings import Scan, Vulnerability
from audits.measures.environment.severity import UNKNOWN, base_score, of_score, of_word, worst
from registry.canonical import parse_json
from registry.errors import InvalidInput
from registry.lineage.document_part import Part

MOST_BYTES, MOST = 32_000_000, 200_000
FIELD = "vulnerabilities"

_FORMS = (
    "none of the JSON reports that are read: pip-audit (--format json), OSV-Scanner (--format json), CycloneDX with "
    "vulnerabilities (JSON), Grype (-o json)"
)
_SHORT = 300


def read_scan(data: bytes, what: str) -> Scan:
    """Read a report, whichever of the known tools wrote it.

    Raises
    ------
    InvalidInput
        If it is too large, no JSON, of no known form, or an entry lacks what it must have; the message names the path.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{what}: {len(data):,} bytes; at most {MOST_BYTES:,} are read", field=FIELD)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    document = parse_json(data, what=what)
    reader = _reader(document)
    if reader is None:
        raise InvalidInput(f"{what}: is {_FORMS}", field=FIELD)
    try:
        return reader(Part(document), what)
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error}", field=FIELD) from error


def _reader(document: Any) -> Callable[[Part, str], Scan] | None:
    if isinstance(document, list):
        entries = all(isinstance(entry, dict) and "name" in entry for entry in document)
        return _pip_audit if entries and document else None
    if not isinstance(document, dict):
        return None
    if document.get("bomFormat") == "CycloneDX":
        return _cyclonedx
    if "dependencies" in document:
        return _pip_audit
    if "matches" in document:
        return _grype
    return _osv if "results" in document else None


def _name(part: Part) -> str:
    return str(canonicalize_name(part.text(longest=_SHORT)))


def _pip_audit(whole: Part, what: str) -> Scan:
    """``{"dependencies": [{"name", "version", "vulns": [{"id", "aliases", "fix_versions"}]}]}``; it tells no severity."""
    looked, found, skipped = set(), [], []
    listed = whole if isinstance(whole.value, list) else whole.get("dependencies")
    for item in listed.items(most=MOST):
        name = _name(item.get("name"))
        if reason := item.get("skip_reason"):
            skipped.append(f"{name}: {reason.text(longest=2000, lines=True)[:_SHORT]}")
            continue
        version = item.get("version").text(longest=_SHORT)
        looked.add((name, version))
        found += [_audited(entry, name, version) for entry in item.get("vulns").items()]
    return Scan(
        name=what,
        tool="pip-audit",
        looked_at=frozenset(looked),
        vulnerabilities=tuple(found),
        skipped=tuple(skipped),
    )


def _audited(entry: Part, name: str, version: str) -> Vulnerability:
    return Vulnerability(
        id=entry.get("id").text(longest=_SHORT),
        package=name,
        version=version,
        aliases=_texts(entry.get("aliases")),
        fixed=_texts(entry.get("fix_versions")),
    )


def _texts(part: Part) -> tuple[str, ...]:
    return tuple(item.text(longest=_SHORT) for item in part.items())


def _osv(whole: Part, what: str) -> Scan:
    """``{"results": [{"packages": [{"package", "vulnerabilities": [...], "groups": [...]}]}]}`` of OSV-Scanner."""
    looked, found = set(), []
    for result in whole.get("results").items(most=MOST):
        for item in result.get("packages").items(most=MOST):
            package = item.get("package")
            name, version = _name(package.get("name")), package.get("version").words(longest=_SHORT)
            looked.add((name, version))
            highest = _highest_of_groups(item)
            found += [
                _osv_entry(entry, name, version, highest) for entry in item.get("vulnerabilities").items(most=MOST)
            ]
    return Scan(name=what, tool="OSV-Scanner", looked_at=frozenset(looked), vulnerabilities=tuple(found))


def _highest_of_groups(item: Part) -> dict[str, str]:
    """Id to the level of the highest score of its group, where the tool computed one."""
    levels: dict[str, str] = {}
    for group in item.get("groups").items():
        score = group.get("max_severity").words()
        for name in _texts(group.get("ids")):
            levels[name] = of_score(_number(score))
    return levels


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _osv_entry(entry: Part, name: str, version: str, highest: dict[str, str]) -> Vulnerability:
    advisory = entry.get("id").text(longest=_SHORT)
    scores = [base_score(item.get("score").words()) for item in entry.get("severity").items()]
    own = entry.get("database_specific")
    word = own.get("severity").value if own else None
    levels = [highest.get(advisory, UNKNOWN), *(of_score(score) for score in scores)]
    return Vulnerability(
        id=advisory,
        package=name,
        version=version,
        aliases=_texts(entry.get("aliases")),
        severity=worst([*levels, of_word(word) if isinstance(word, str) else UNKNOWN]),
        fixed=tuple(dict.fromkeys(_fixed(entry, name))),
        note="withdrawn" if entry.get("withdrawn") else "",
    )


def _fixed(entry: Part, name: str) -> Iterator[str]:
    for affected in entry.get("affected").items():
        package = affected.get("package")
        if package and _name(package.get("name")) != name:
            continue
        for span in affected.get("ranges").items():
            if span.get("type").value == "GIT":  # commits say nothing to people who install versions
                continue
            for event in span.get("events").items():
                if event.get("fixed"):
                    yield event.get("fixed").text(longest=_SHORT)


def _grype(whole: Part, what: str) -> Scan:
    """``{"matches": [{"vulnerability", "relatedVulnerabilities", "artifact"}]}``: only what it found, not all it looked at."""
    looked, found = set(), []
    for match in [*whole.get("matches").items(most=MOST)]:
        artifact, entry = match.get("artifact"), match.get("vulnerability")
        name, version = _name(artifact.get("name")), artifact.get("version").words(longest=_SHORT)
        looked.add((name, version))
        scores = [item.get("metrics").get("baseScore").value for item in entry.get("cvss").items()]
        levels = [of_score(score) for score in scores if isinstance(score, int | float)]
        fix = entry.get("fix")
        related = match.get("relatedVulnerabilities").items()
        found.append(
            Vulnerability(
                id=entry.get("id").text(longest=_SHORT),
                package=name,
                version=version,
                aliases=tuple(item.get("id").text(longest=_SHORT) for item in related),
                severity=worst([of_word(entry.get("severity").words()), *levels]),
                fixed=_texts(fix.get("versions")) if fix else (),
            )
        )
    about = whole.get("descriptor")
    made = about.get("timestamp").words() if about else ""
    return Scan(name=what, tool="Grype", looked_at=frozenset(looked), vulnerabilities=tuple(found), made_at=made)


def _cyclonedx(whole: Part, what: str) -> Scan:
    """Components, and ``vulnerabilities`` that point to them by ``affects[].ref``."""
    if not isinstance(whole.value.get("vulnerabilities"), list):
        whole.get("vulnerabilities").refuse(
            "is missing: the bill of materials was not looked through for vulnerabilities"
        )
    places: dict[str, tuple[str, str]] = {}
    for item in _components(whole):
        place = (_component_name(item), item.get("version").words(longest=_SHORT))
        for key in ("bom-ref", "purl"):
            if item.get(key):
                places[item.get(key).text(longest=2000)] = place
        places.setdefault(f"{place[0]}@{place[1]}", place)
    found = [
        vulnerability
        for entry in whole.get("vulnerabilities").items(most=MOST)
        for vulnerability in _cyclonedx_entry(entry, places)
    ]
    about = whole.get("metadata")
    made = about.get("timestamp").words() if about else ""
    looked = frozenset(places.values())
    return Scan(name=what, tool="CycloneDX", looked_at=looked, vulnerabilities=tuple(found), made_at=made)


def _components(whole: Part) -> Iterator[Part]:
    """All components, those within others too."""
    waiting = [*whole.get("components").items(most=MOST)]
    while waiting:
        item = waiting.pop(0)
        yield item
        waiting += item.get("components").items(most=MOST)


def _component_name(item: Part) -> str:
    """The package's name: that of its purl where it is a Python package, else as the component is called."""
    kind, name, _ = _purl(item.get("purl").words(longest=2000))
    return str(canonicalize_name(name)) if kind == "pypi" else _name(item.get("name"))


def _purl(text: str) -> tuple[str, str, str]:
    """Type, name and version of a package URL; empty texts where it is none."""
    if not text.startswith("pkg:"):
        return "", "", ""
    kind, _, rest = re.split("[?#]", text[4:], maxsplit=1)[0].lstrip("/").partition("/")
    path, _, version = rest.rpartition("@") if "@" in rest else (rest, "", "")
    return kind.lower(), unquote(path.rsplit("/", 1)[-1]), unquote(version)


def _cyclonedx_entry(entry: Part, places: dict[str, tuple[str, str]]) -> Iterator[Vulnerability]:
    advisory = entry.get("id").text(longest=_SHORT)
    levels: list[str] = []
    for rating in entry.get("ratings").items():
        score = rating.get("score").value
        levels.append(of_score(score) if isinstance(score, int | float) and not isinstance(score, bool) else UNKNOWN)
        levels.append(of_word(rating.get("severity").words()))
        levels.append(of_score(base_score(rating.get("vector").words())))
    analysis = entry.get("analysis")
    state = analysis.get("state").words() if analysis else ""
    aliases = tuple(item.get("id").text(longest=_SHORT) for item in entry.get("references").items())
    refs = [item.get("ref").text(longest=2000) for item in entry.get("affects").items(most=MOST)]
    if not refs:
        entry.get("affects").refuse("is required: without it nobody knows which package is vulnerable")
    for ref in refs:
        # A reference may point into another document: urn:cdx:serial/version#bom-ref.
        inner = unquote(ref.rsplit("#", 1)[-1]) if ref.startswith("urn:cdx:") else ref
        package, version = places.get(inner) or _purl_place(inner)
        yield Vulnerability(
            id=advisory,
            package=package,
            version=version,
            aliases=aliases,
            severity=worst(levels),
            note=state.replace("_", " "),
        )


def _purl_place(ref: str) -> tuple[str, str]:
    kind, name, version = _purl(ref)
    return (str(canonicalize_name(name)), version) if kind else (ref, "")
