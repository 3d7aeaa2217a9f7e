"""A composite version's components with their own states, and the composites that a version is part of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import BinaryField, F, Func, IntegerField, Q, Value

from governance.page_selectors.standing import Standing, standings_of
from registry.canonical import canonical_json
from registry.models import ModelVersion, Person
from registry.selectors import versions_for

MOST_COMPOSITES = 50
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True)
class Part:
    """One component, or one composite.

    Attributes
    ----------
    model, name
        As the manifest has them.
    version
        The version, or None where it is not registered, or not the reader's to see: which of both is not said.
    standing
        Where it stands for the environment asked about; None where it was never on its way there.
    """

    model: str
    name: str
    version: ModelVersion | None
    standing: Standing | None

    @property
    def runs(self) -> bool:
        """Whether the environment runs exactly this version."""
        return self.standing is not None and self.standing.runs


@dataclass(frozen=True, slots=True)
class Composition:
    """What a version is composed of, and what it is a component of."""

    components: tuple[Part, ...]
    used_in: tuple[Part, ...]

    def __bool__(self) -> bool:
        return bool(self.components or self.used_in)


def composition_of(person: Person, version: ModelVersion, environment: str) -> Composition:
    """Components and composites of ``version``, as ``person`` may see them, and where they stand for ``environment``."""
    named = [(str(item["model"]), str(item["version"])) for item in version.facts.get("components", [])]
    found = _found(person, named)
    composites = _composites(person, version)
    standings = _standings([*(item for item in found.values() if item), *composites], environment)
    components = [
        Part(model, name, found.get((model, name)), _of(found.get((model, name)), standings)) for model, name in named
    ]
    used = [Part(item.model.name, item.name, item, standings.get(item.pk)) for item in composites]
    return Composition(tuple(components), tuple(used))


def _of(version: ModelVersion | None, standings: dict[int, Standing]) -> Standing | None:
    return standings.get(version.pk) if version else None


def _found(person: Person, named: Sequence[tuple[str, str]]) -> dict[tuple[str, str], ModelVersion]:
    if not named:
        return {}
    wanted = Q()
    for model, name in named:
        column = "sha256" if name.startswith(_SHA256) else "name"
        wanted |= Q(**{"model__name": model, column: name.removeprefix(_SHA256)})
    found: dict[tuple[str, str], ModelVersion] = {}
    for version in versions_for(person).filter(wanted).defer("manifest"):
        found[version.model.name, version.name] = version
        found[version.model.name, f"{_SHA256}{version.sha256}"] = version
    return found


def _composites(person: Person, version: ModelVersion) -> list[ModelVersion]:
    """Visible versions whose manifest names ``version``, the latest first, at most :data:`MOST_COMPOSITES`.

    Manifests are canonical JSON, so the database looks for the component's exact bytes; a free parameter could hold the
    same bytes, so what it finds is read once more.
    """
    names = (version.name, f"{_SHA256}{version.sha256}")
    wanted = Q(at0__gt=0) | Q(at1__gt=0)
    found = versions_for(person).alias(
        **{
            f"at{index}": _position(canonical_json({"model": version.model.name, "version": name}))
            for index, name in enumerate(names)
        }
    )
    rows = found.filter(wanted).exclude(pk=version.pk).order_by("-created_at", "-pk")[: 2 * MOST_COMPOSITES]
    keys = {(version.model.name, name) for name in names}
    return [row for row in rows if keys & _components_of(row)][:MOST_COMPOSITES]


def _components_of(version: ModelVersion) -> set[tuple[str, str]]:
    return {(str(item["model"]), str(item["version"])) for item in version.facts.get("components", [])}


def _position(needle: bytes) -> Func:
    """Where in the manifest the bytes begin, from 1; 0 where they do not occur."""
    looked_for = Value(needle, output_field=BinaryField())
    if connection.vendor == "postgresql":
        return Func(
            looked_for,
            F("manifest"),
            template="POSITION(%(expressions)s)",
            arg_joiner=" IN ",
            output_field=IntegerField(),
        )
    return Func(F("manifest"), looked_for, function="INSTR", output_field=IntegerField())


def _standings(versions: Iterable[ModelVersion], environment: str) -> dict[int, Standing]:
    distinct = {version.pk: version for version in versions}
    found = standings_of(list(distinct.values())) if distinct else []
    return {item.version.pk: item for item in found if item.environment == environment}
