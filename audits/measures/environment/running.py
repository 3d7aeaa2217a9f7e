"""What runs here: the Python and the packages that a model in the sandbox can reach. Pure of Django."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from audits.measures.environment.requirements import Package, same_version

SAME, OTHER, ABSENT, UNPINNED, ELSEWHERE = "same", "other version", "absent", "not pinned", "not for this machine"
"""What became of a recorded package; :data:`UNPINNED` is one whose version here is among those that are allowed."""

DIFFERENT = (OTHER, ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A recorded package, or the Python, beside what runs: empty ``running`` where nothing does."""

    name: str
    recorded: str
    running: str
    state: str


def running_packages() -> dict[str, str]:
    """The packages that are installed where this process runs, by normalised name: the sandbox sees the same."""
    found = {}
    for item in distributions():
        name = item.metadata["Name"]
        if name:  # a broken installation has none
            found[str(canonicalize_name(name))] = item.version
    return found


def running_python() -> str:
    """The version of Python, such as ``3.11.9``."""
    return platform.python_version()


def compare_packages(recorded: Sequence[Package], running: Mapping[str, str]) -> list[Compared]:
    """Hold every recorded package against what runs, in the order of the record."""
    return [_compared(package, running.get(package.name, "")) for package in recorded]


def _compared(package: Package, version: str) -> Compared:
    written = package.allowed or package.version or "any version"
    return Compared(name=package.name, recorded=written, running=version, state=_state(package, version))


def _state(package: Package, version: str) -> str:
    if package.marker and not _applies(package.marker):
        return ELSEWHERE
    if not version:
        return ABSENT
    if package.version:
        # A local label of a build (2.1.0+cpu) is the same release, unless the record asks for a label.
        bare = version if "+" in package.version else version.partition("+")[0]
        return SAME if same_version(package.version, bare) else OTHER
    return UNPINNED if _allows(package.allowed, version) else OTHER


def _applies(marker: str) -> bool:
    try:
        return Marker(marker).evaluate()
    except (InvalidMarker, UndefinedEnvironmentName):
        return True


def _allows(allowed: str, version: str) -> bool:
    try:
        return SpecifierSet(allowed).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False


def compare_python(recorded: str, running: str) -> Compared | None:
    """Hold the recorded Python against what runs; ``3.11`` means any 3.11, ``>=3.10`` what it says; None where none is recorded."""
    if not recorded:
        return None
    if any(sign in recorded for sign in "<>=~!"):
        same = _allows(recorded, running)
    else:
        parts = recorded.removeprefix("Python ").strip().split(".")
        same = running.split(".")[: len(parts)] == parts
    return Compared(name="python", recorded=recorded, running=running, state=SAME if same else OTHER)
