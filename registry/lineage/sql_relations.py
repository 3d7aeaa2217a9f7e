"""What a query's tables and columns are made from, while the query is being read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from registry.errors import InvalidInput
from registry.lineage.names import PlaceName
from registry.lineage.statement import Level, StatedEdge

Manner = Literal["direct", "indirect"]
Treatment = tuple[tuple[str, str | int | float], ...]

_RANK = {"IDENTITY": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}
_STRENGTH = {"": 0, "hash": 1, "encryption": 2, "keyed-hash": 3}
MOST_WORK = 2_000_000
"""Sources copied while one text is read; beyond that its queries are too entangled to be followed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an expression does to the values below it."""

    manner: Manner = "direct"
    subtype: str = "IDENTITY"
    treatment: Treatment = ()

    def then(self, inner: Step) -> Step:
        """``inner`` below this one: what both do together."""
        if self.manner == "indirect":
            return self
        if inner.manner == "indirect":
            return inner
        return Step("direct", _further(inner.subtype, self.subtype), _stronger(inner.treatment, self.treatment))


TRANSFORMED = Step("direct", "TRANSFORMATION")
AGGREGATED = Step("direct", "AGGREGATION")


def decides(subtype: str) -> Step:
    """An expression whose values do not come over, but decide."""
    return Step("indirect", subtype)


def _further(one: str, other: str) -> str:
    return max(one, other, key=lambda subtype: _RANK.get(subtype, 1))


def _stronger(one: Treatment, other: Treatment) -> Treatment:
    return max(one, other, key=lambda treatment: _STRENGTH.get(str(dict(treatment).get("method", "")), 0))


@dataclass(frozen=True, slots=True)
class Source:
    """A column of a place (``column`` None: the place as a whole) that something is made from, and how."""

    place: PlaceName
    column: str | None
    step: Step = field(default_factory=Step)

    def through(self, step: Step) -> Source:
        """The same source, after one more step."""
        if step.manner == "direct" and self.step.manner == "direct":
            return replace(self, step=step.then(self.step))
        return self if self.step.manner == "indirect" and step.manner == "direct" else replace(self, step=step)

    def edge(self, target: str | None) -> StatedEdge:
        """What is stated of it."""
        level: Level = "column" if self.column is not None else "dataset"
        return StatedEdge(
            source=self.place,
            source_column=self.column,
            target_column=target,
            level=level,
            manner=self.step.manner,
            subtype=self.step.subtype,
            treatment=self.step.treatment,
        )


Sources = frozenset[Source]
NONE: Sources = frozenset()


@dataclass(frozen=True, slots=True)
class Rest:
    """Columns that nobody named: those of ``place`` under their own names, or somehow from the places in ``whole``."""

    place: PlaceName
    whole: frozenset[PlaceName] = frozenset()

    def column(self, name: str) -> Sources:
        """What a column of this name is made from."""
        return frozenset({Source(self.place, name)} | {Source(place, None) for place in self.whole})

    def everything(self) -> Sources:
        """All of it, no column known."""
        return frozenset(Source(place, None) for place in {self.place, *self.whole})


@dataclass(frozen=True)
class Relation:
    """What stands in a FROM: a table, a subquery, a function that gives rows.

    Attributes
    ----------
    columns
        Name and sources of each known column, in order.
    rest
        Columns beyond those, where a schema is not known; empty where all columns are known.
    spread
        What any other column is made from, as in ``UNNEST(…)``; None where there are no others.
    decided
        What decides on all of its rows.
    places
        Every place beneath it.
    guessed
        Whether ``columns`` may be out of date: they are those that somebody stated of a table.
    """

    columns: tuple[tuple[str, Sources], ...] = ()
    rest: tuple[Rest, ...] = ()
    spread: Sources | None = None
    decided: Sources = NONE
    places: frozenset[PlaceName] = frozenset()
    guessed: PlaceName | None = None

    def column(self, name: str) -> Sources | None:
        """The sources of a column that is certainly there; None where it is not."""
        return self._exactly.get(name, self._loosely.get(name.casefold()))

    @cached_property
    def _exactly(self) -> dict[str, Sources]:
        found: dict[str, Sources] = {}
        for name, sources in self.columns:
            found[name] = found.get(name, NONE) | sources
        return found

    @cached_property
    def _loosely(self) -> dict[str, Sources]:
        found: dict[str, Sources] = {}
        for name, sources in self.columns:
            found[name.casefold()] = found.get(name.casefold(), NONE) | sources
        return found

    def possible(self, name: str) -> Sources | None:
        """The sources of a column that may be there."""
        if len(self.rest) == 1:
            return self.rest[0].column(name) | (self.spread or NONE)
        if self.rest:
            return frozenset().union(*(rest.everything() for rest in self.rest)) | (self.spread or NONE)
        return self.spread

    @property
    def all_columns(self) -> Sources:
        """Everything that any column is made from."""
        found = frozenset().union(*(sources for _, sources in self.columns), *(rest.everything() for rest in self.rest))
        return found | (self.spread or NONE)

    @property
    def closed(self) -> bool:
        """Whether all columns are known by name."""
        return not self.rest and self.spread is None

    def renamed(self, names: Sequence[str]) -> Relation:
        """The same with other names for its first columns, as ``AS t (a, b)`` gives them."""
        if not names:
            return self
        if self.closed and len(names) <= len(self.columns):
            fresh = [(name, sources) for name, (_, sources) in zip(names, self.columns, strict=False)]
            return replace(self, columns=(*fresh, *self.columns[len(names) :]), guessed=None)
        everything = self.all_columns
        return replace(self, columns=tuple((name, everything) for name in names), rest=(), spread=None, guessed=None)


@dataclass
class Budget:
    """How much work is left, what is to be noted, and how the tables' names and columns are known."""

    namespace: str
    schemas: dict[str, Sequence[str]]
    left: int = MOST_WORK
    notes: dict[str, None] = field(default_factory=dict)
    reads: dict[PlaceName, None] = field(default_factory=dict)
    statement: int = 1
    _known: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.schemas:
            self._know(name)

    def _know(self, name: str) -> None:
        parts = name.casefold().split(".")
        for start in range(len(parts)):
            self._known.setdefault(".".join(parts[start:]), []).append(name)

    def learn(self, place: PlaceName, columns: Sequence[str]) -> None:
        """Take over the columns of a table that the text itself makes."""
        if place.name not in self.schemas:
            self._know(place.name)
        self.schemas[place.name] = list(columns)

    def spelling(self, place: PlaceName) -> dict[str, str]:
        """How the known columns of a place are spelled, by their names without case; none where that is not one way."""
        found: dict[str, str] = {}
        for name in self.schemas.get(place.name, ()):
            found[name.casefold()] = name if name.casefold() not in found else ""
        return {key: name for key, name in found.items() if name}

    def note(self, text: str) -> None:
        """Say once what could not be known."""
        self.notes[text] = None

    def spend(self, work: int) -> None:
        """Count work, and stop where there is too much of it.

        Raises
        ------
        InvalidInput
            Where the queries are too entangled.
        """
        self.left -= work
        if self.left < 0:
            raise InvalidInput(
                f"statement {self.statement} of the SQL is too entangled to be followed; split it", field="sql"
            )

    def through(self, found: Iterable[Source], step: Step) -> Sources:
        """The sources after one more step."""
        made = frozenset(source.through(step) for source in found)
        self.spend(len(made) + 1)
        return made

    def place(self, name: str) -> PlaceName:
        """The place that a table's name means: of the known ones where exactly one ends in it."""
        known = self._known.get(name.casefold(), [])
        if name in known:
            return PlaceName(self.namespace, name)
        if len(known) > 1:
            self.note(f"{name} may be any of {', '.join(sorted(known))}; it was taken as it stands")
        return PlaceName(self.namespace, known[0] if len(known) == 1 else name)

    def table(self, place: PlaceName) -> Relation:
        """A table that is read."""
        self.reads[place] = None
        columns = self.schemas.get(place.name)
        self.spend(len(columns or ()))
        if columns:
            listed = tuple((name, frozenset({Source(place, name)})) for name in columns)
            return Relation(listed, places=frozenset({place}), guessed=place)
        return Relation(rest=(Rest(place),), places=frozenset({place}))
