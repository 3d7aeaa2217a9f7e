"""What names mean within one SELECT. Pure; loads sqlglot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from registry.lineage.sql_relations import NONE, Budget, Relation, Source, Sources


class Reads(Protocol):
    """Whoever reads queries for a scope."""

    @property
    def budget(self) -> Budget:
        """What is left of the work, and where notes go."""

    def relation(self, query: exp.Expr, names: Mapping[str, Relation], outer: QueryScope | None) -> Relation:
        """What a query gives."""


@dataclass
class QueryScope:
    """The names that one SELECT sees. It is the Scope of the expressions in it."""

    reader: Reads
    names: Mapping[str, Relation]
    outer: QueryScope | None = None
    sources: dict[str, Relation] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)
    aliases: dict[str, Sources] = field(default_factory=dict)
    aliases_first: bool = False
    windows: dict[str, exp.Expr] = field(default_factory=dict)

    @property
    def budget(self) -> Budget:
        """The reader's."""
        return self.reader.budget

    def query(self, query: exp.Query) -> Relation:
        """A query within an expression sees what is around it."""
        return self.reader.relation(query, self.names, self)

    def window(self, name: str) -> exp.Expr | None:
        """A window of the WINDOW clause."""
        return self.windows.get(name)

    def everything(self) -> Sources:
        """All places beneath the FROM, as wholes."""
        return frozenset(Source(place, None) for relation in self.sources.values() for place in relation.places)

    def whole(self, table: exp.Table) -> Sources:
        """All of a table that is given to a function."""
        relation = self.reader.relation(table, self.names, self)
        return relation.all_columns | relation.decided

    def resolve(self, column: exp.Column) -> tuple[Sources, bool]:
        """The sources of a column as written, with whatever stands before its name."""
        parts = [part.name for part in column.parts]
        scope: QueryScope | None = self
        while scope is not None:
            if len(parts) > 1 and parts[-2] in scope.sources:
                return scope._of(parts[-2], parts[-1]), False
            for index, part in enumerate(parts[:-2]):
                if part in scope.sources:
                    return scope._of(part, parts[index + 1]), True
            scope = scope.outer
        return self.unqualified(parts[0]), len(parts) > 1

    def _of(self, table: str, name: str) -> Sources:
        relation = self.sources[table]
        found = relation.column(name)
        if found is None:
            found = relation.possible(name)
        return found if found is not None else self._missing(relation, table, name)

    def _missing(self, relation: Relation, table: str, name: str) -> Sources:
        if relation.guessed is not None:
            self.budget.note(f"{relation.guessed.name} is not known to have a column {name}")
            return frozenset({Source(relation.guessed, name)})
        self.budget.note(f"{table} has no column {name}; the whole of it was taken")
        return frozenset(Source(place, None) for place in relation.places)

    def unqualified(self, name: str) -> Sources:
        """The sources of a column without the name of its table."""
        if self.aliases_first and name in self.aliases:
            return self.aliases[name]
        certain = [found for relation in self.sources.values() if (found := relation.column(name)) is not None]
        if certain:
            return frozenset().union(*certain)
        if name in self.sources and self.sources[name].spread is not None:  # UNNEST(items) AS item: it is its column
            return self.sources[name].spread or NONE
        possible = [
            (table, relation) for table, relation in self.sources.items() if relation.possible(name) is not None
        ]
        if name in self.aliases:
            here = [relation.possible(name) or NONE for _, relation in possible]
            return frozenset().union(self.aliases[name], *here)
        if possible:
            return self._among(name, possible)
        return self._beyond(name)

    def _among(self, name: str, possible: list[tuple[str, Relation]]) -> Sources:
        if len(possible) == 1:
            return possible[0][1].possible(name) or NONE
        if name in self.joined:
            return frozenset().union(*(relation.possible(name) or NONE for _, relation in possible))
        tables = ", ".join(sorted(table for table, _ in possible))
        self.budget.note(
            f"{name} may be a column of any of {tables}, whose columns are not known: all were taken whole"
        )
        return frozenset(Source(place, None) for _, relation in possible for place in relation.places)

    def _beyond(self, name: str) -> Sources:
        if self.outer is not None:
            return self.outer.unqualified(name)
        if len(self.sources) == 1:
            ((table, relation),) = self.sources.items()
            return self._missing(relation, table, name)
        if self.sources:
            self.budget.note(f"no table is known to have a column {name}: all were taken whole")
        return self.everything()
