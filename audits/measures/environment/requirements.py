"""Recorded packages: requirement files as pip reads them, and the lock files of uv, Poetry, PDM and PEP 751. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from registry.errors import InvalidInput
from registry.lineage.document_part import Part

MOST_BYTES, MOST_PACKAGES = 8_000_000, 20_000
FIELD = "packages"

_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTION = re.compile(r"\s--?[A-Za-z]")
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One recorded package.

    Attributes
    ----------
    name
        As PEP 503 normalises it.
    version
        The one version that is recorded; empty where the record allows several.
    allowed
        The specifier as it is written, such as ``==2.1.3`` or ``>=2``; empty for any.
    marker
        The environments in which it is installed at all; empty for all.
    """

    name: str
    version: str = ""
    allowed: str = ""
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """All recorded packages in the alphabet's order, and the lines that tell of none, such as ``-r other.txt``."""

    packages: tuple[Package, ...]
    unread: tuple[str, ...] = ()


def read_packages(data: bytes, what: str) -> Recorded:
    """Read a requirements file or a lock file; hashes are left out.

    Parameters
    ----------
    what
        Name of the file; one that ends in ``.toml`` or ``.lock`` is read as a lock file.

    Raises
    ------
    InvalidInput
        Naming the line or the entry that is wrong; if it is too large, or names one package with two versions.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{what}: {len(data):,} bytes; at most {MOST_BYTES:,} are read", field=FIELD)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what}: is not UTF-8: {error}", field=FIELD) from error
    unread: list[str] = []
    locked = what.endswith((".toml", ".lock")) and "[[package" in text
    found = list(_locked(text, what) if locked else _required(text, what, unread))
    if len(found) > MOST_PACKAGES:
        raise InvalidInput(f"{what}: {len(found):,} packages; at most {MOST_PACKAGES:,} are read", field=FIELD)
    distinct = sorted(set(found), key=lambda package: (package.name, package.version, package.marker))
    for first, second in pairwise(distinct):
        if first.name == second.name and first.version != second.version and not (first.marker and second.marker):
            message = f"{what}: {first.name} is recorded twice: {_written(first)} and {_written(second)}"
            raise InvalidInput(message, field=FIELD)
    return Recorded(packages=tuple(distinct), unread=tuple(unread))


def _written(package: Package) -> str:
    return package.allowed or package.version or "any version"


def _required(text: str, what: str, unread: list[str]) -> Iterator[Package]:
    """The requirements of a file as pip reads them: comments, continued lines, options, markers, extras."""
    for number, line in _lines(text):
        if line.startswith("-"):
            unread.append(f"line {number}: {line[:_SHOWN]}")
            continue
        option = _OPTION.search(line)
        stated = line[: option.start()].strip() if option else line
        try:
            requirement = Requirement(stated)
        except InvalidRequirement as error:
            message = f"{what}: line {number}: {stated[:_SHOWN]!r} is no requirement: {str(error).splitlines()[0]}"
            raise InvalidInput(message, field=FIELD) from error
        yield Package(
            name=canonicalize_name(requirement.name),
            version=_pinned(requirement),
            allowed=str(requirement.specifier),
            marker=str(requirement.marker or ""),
        )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first one."""
    start, parts = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start if parts else number
        line = raw if not raw.lstrip().startswith("#") else ""
        if line.endswith("\\"):
            parts += line[:-1] + " "
            continue
        whole = _COMMENT.sub("", parts + line).strip()
        parts = ""
        if whole:
            yield start, whole
    if parts.strip():
        yield start, parts.strip()


def _pinned(requirement: Requirement) -> str:
    pins = [item.version for item in requirement.specifier if item.operator in ("==", "===")]
    return pins[0] if len(pins) == 1 and not pins[0].endswith(".*") else ""


def _locked(text: str, what: str) -> Iterator[Package]:
    """The packages of a lock file: ``[[package]]`` of uv, Poetry and PDM, ``[[packages]]`` of PEP 751."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"{what}: is not TOML: {error}", field=FIELD) from error
    whole = Part(document)
    for part in whole.get("package", "packages").items(most=MOST_PACKAGES):
        version = part.get("version").words()
        name = canonicalize_name(part.get("name").text(longest=200))
        source = part.get("source").value
        local = isinstance(source, dict) and bool({"virtual", "editable", "directory"} & set(source))
        if not local:  # the project itself, that the lock was made for
            yield Package(name=name, version=version, allowed=f"=={version}" if version else "")


def same_version(one: str, other: str) -> bool:
    """Whether two versions are the same as PEP 440 compares them; as text where they are none."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
