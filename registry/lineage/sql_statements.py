"""What the statements of an SQL text write: CREATE, INSERT, MERGE, UPDATE and bare queries. Pure; loads sqlglot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from registry.errors import InvalidInput
from registry.lineage.names import PlaceName
from registry.lineage.sql import MOST_EDGES, MOST_STATEMENTS, SqlLineage, SqlTable
from registry.lineage.sql_expressions import made_from
from registry.lineage.sql_queries import Reader
from registry.lineage.sql_relations import NONE, Budget, Relation, Source, Sources, decides
from registry.lineage.sql_scope import QueryScope
from registry.lineage.sql_tables import name_of
from registry.lineage.statement import StatedEdge

# They write no data that was read, whatever else they do.
_IDLE = (
    exp.Drop, exp.Delete, exp.TruncateTable, exp.Set, exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Grant,
    exp.Revoke, exp.Comment, exp.Analyze, exp.Describe, exp.Show, exp.Pragma, exp.Uncache, exp.Refresh,
    exp.Semicolon,
)  # fmt: skip
_IDLE_COMMANDS = frozenset(
    {"SHOW", "VACUUM", "ANALYZE", "OPTIMIZE", "EXPLAIN", "SET", "USE", "GRANT", "REVOKE", "BEGIN"}
)
_PLACE_OF_ERROR = re.compile(r"Line (\d+), Col: (\d+)")


@dataclass
class _Written:
    """Collected edges of one place; ``columns`` is None once one write of it was not wholly known."""

    columns: dict[str, None] | None = field(default_factory=dict)
    edges: dict[StatedEdge, None] = field(default_factory=dict)


def read_text(sql: str, *, dialect: str | None, namespace: str, schemas: Mapping[str, Sequence[str]]) -> SqlLineage:
    """See :func:`registry.lineage.sql.column_lineage`."""
    statements = _parse(sql, dialect)
    text = _Text(Budget(namespace, dict(schemas)), dialect or "")
    for number, statement in enumerate(statements, 1):
        text.budget.statement = number
        text.take(normalize_identifiers(statement, dialect=dialect))
    tables = tuple(
        SqlTable(place, tuple(written.columns) if written.columns is not None else None, tuple(written.edges))
        for place, written in text.written.items()
    )
    return SqlLineage(tables, tuple(text.budget.reads), tuple(text.budget.notes))


def _parse(sql: str, dialect: str | None) -> list[exp.Expr]:
    if dialect and dialect not in sqlglot.Dialects._value2member_map_:
        known = ", ".join(sorted(name for name in sqlglot.Dialects._value2member_map_ if name))
        raise InvalidInput(f"there is no SQL dialect {dialect!r}; known are {known}", field="dialect")
    try:
        found = [
            statement
            for statement in sqlglot.parse(sql, read=dialect or None)
            if statement is not None and not isinstance(statement, exp.Semicolon)
        ]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise _unread(str(first.get("description") or "not SQL"), first.get("line"), first.get("col")) from None
    except SqlglotError as error:
        end = _last_place(sql, str(error))
        raise _unread("a quotation mark or a comment is not closed", *end) from None
    if len(found) > MOST_STATEMENTS:
        raise InvalidInput(f"the SQL has {len(found)} statements; at most {MOST_STATEMENTS} are read", field="sql")
    if not found:
        raise InvalidInput("the SQL holds no statement", field="sql")
    return found


def _unread(problem: str, line: int | None, column: int | None) -> InvalidInput:
    at = f"line {line}, column {column}: " if line else ""
    return InvalidInput(f"the SQL cannot be read: {at}{problem}", field="sql", line=line, column=column)


def _last_place(sql: str, message: str) -> tuple[int, int]:
    """Where the tokenizer gave up: the piece that it shows ends near there."""
    shown = re.search(r"'(.*)'", message, re.DOTALL)
    end = sql.find(shown.group(1)) + len(shown.group(1)) if shown and shown.group(1) in sql else len(sql)
    return sql.count("\n", 0, end) + 1, end - sql.rfind("\n", 0, end)


@dataclass
class _Text:
    """All statements of one text, read one after the other."""

    budget: Budget
    dialect: str
    written: dict[PlaceName | None, _Written] = field(default_factory=dict)
    temporary: dict[str, Relation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = Reader(self.budget, self.dialect)

    def take(self, statement: exp.Expr) -> None:
        """Read one statement."""
        if isinstance(statement, exp.Query | exp.Values):
            self._query(statement)
        elif isinstance(statement, exp.Create):
            self._create(statement)
        elif isinstance(statement, exp.Insert):
            self._insert(statement)
        elif isinstance(statement, exp.Merge):
            self._merge(statement)
        elif isinstance(statement, exp.Update):
            self._update(statement)
        elif isinstance(statement, _IDLE) or (
            isinstance(statement, exp.Command) and str(statement.this).upper() in _IDLE_COMMANDS
        ):
            return
        else:
            raise self._untold(str(statement.this) if isinstance(statement, exp.Command) else statement.key)

    def _untold(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"statement {self.budget.statement} of the SQL is a {what.upper()[:40]}, and what it makes cannot be told",
            field="sql",
            statement=self.budget.statement,
        )

    def _query(self, query: exp.Expr) -> None:
        into = query.args.get("into")
        relation = self.reader.relation(query, self.temporary)
        if into is None:
            self._write(None, relation)
        elif into.args.get("temporary") or name_of(into.this).startswith("#"):
            self.temporary[name_of(into.this)] = relation
        else:
            self._write(self.budget.place(name_of(into.this)), relation)

    def _create(self, create: exp.Create) -> None:
        kind = str(create.args.get("kind") or "").upper()
        if kind not in {"TABLE", "VIEW", "DYNAMIC TABLE"}:
            if kind in {"SCHEMA", "DATABASE", "INDEX", "SEQUENCE", "TYPE", "EXTENSION"}:
                return
            raise self._untold(f"CREATE {kind}")
        schema = create.this if isinstance(create.this, exp.Schema) else None
        table = schema.this if schema is not None else create.this
        names = [column.name for column in schema.expressions if _names_column(column)] if schema is not None else []
        properties = create.args.get("properties")
        temporary = properties is not None and properties.find(exp.TemporaryProperty) is not None
        relation = self._created_from(create, names)
        if temporary or name_of(table).startswith("#"):
            self.temporary[name_of(table)] = relation or Relation(tuple((name, NONE) for name in names))
        elif relation is not None:
            self._write(self.budget.place(name_of(table)), relation)
            target = properties.find(exp.ToTableProperty) if properties is not None else None
            if target is not None:
                self._write(self.budget.place(name_of(target.this)), relation)
        elif names:
            place = self.budget.place(name_of(table))
            self.budget.learn(place, names)

    def _created_from(self, create: exp.Create, names: list[str]) -> Relation | None:
        query, clone = create.expression, create.args.get("clone")
        if isinstance(query, exp.Query | exp.Table | exp.Values):
            return self.reader.relation(query, self.temporary).renamed(names)
        if query is not None:
            raise self._untold("CREATE … AS something that is no query")
        return self.reader.relation(clone.this, self.temporary) if clone is not None else None

    def _insert(self, insert: exp.Insert) -> None:
        schema = insert.this if isinstance(insert.this, exp.Schema) else None
        table = schema.this if schema is not None else insert.this
        if not isinstance(table, exp.Table):
            raise self._untold("INSERT into something that is no table")
        names = [column.name for column in schema.expressions] if schema is not None else []
        names_ = self.reader.names_of(insert, self.temporary)
        if insert.expression is None:
            raise self._untold("INSERT without a query")
        relation = self.reader.relation(insert.expression, names_)
        held = self.temporary.get(name_of(table))
        if held is not None:
            more = relation.renamed(names)
            self.temporary[name_of(table)] = (
                self.reader.union(held, more, by_name=bool(names)) if held.columns else more
            )
            return
        place = self.budget.place(name_of(table))
        self._write(place, self._into(place, relation, names, by_name=bool(insert.args.get("by_name"))))

    def _into(self, place: PlaceName, relation: Relation, names: list[str], *, by_name: bool) -> Relation:
        """What is inserted, under the names of the table's columns."""
        if names:
            return relation.renamed(names)
        known = list(self.budget.schemas.get(place.name, ()))
        if by_name or not relation.columns:
            return relation
        if known and relation.closed and len(known) >= len(relation.columns):
            return relation.renamed(known[: len(relation.columns)])
        self.budget.note(
            f"an INSERT into {place.name} names no columns, and those of the table are not known: it was tied as a whole"
        )
        whole = frozenset(replace(source, column=None) for source in relation.all_columns)
        return Relation(spread=whole, decided=relation.decided, places=relation.places)

    def _merge(self, merge: exp.Merge) -> None:
        place, scope = self._target(merge)
        self.reader.take(merge.args["using"], scope)
        names = [name for name in scope.sources if name != merge.this.alias_or_name]
        source = scope.sources[names[0]]
        decided = made_from(merge.args["on"], scope, decides("JOIN")) | source.decided
        columns: list[tuple[str, Sources]] = []
        spread: Sources | None = None
        rest = source.rest
        starred = False
        for when in merge.args["whens"].expressions:
            if when.args.get("condition") is not None:
                decided |= made_from(when.args["condition"], scope, decides("CONDITIONAL"))
            then = when.args["then"]
            if isinstance(then, exp.Update | exp.Insert) and then.find(exp.Star) and _takes_all(then):
                starred = True
            elif isinstance(then, exp.Update):
                columns += self._assigned(then.expressions, scope)
            elif isinstance(then, exp.Insert):
                columns += self._inserted(then, place, scope)
        if starred:
            columns += source.columns
            spread = source.spread
        self._write(place, Relation(tuple(columns), rest if starred else (), spread, decided, source.places))

    def _target(self, statement: exp.Expr) -> tuple[PlaceName, QueryScope]:
        """The place that MERGE or UPDATE writes, which they may read too."""
        table = statement.this
        if not isinstance(table, exp.Table):
            raise self._untold(f"{statement.key} of something that is no table")
        place = self.budget.place(name_of(table))
        scope = QueryScope(self.reader, self.reader.names_of(statement, self.temporary))
        self.reader.take(table, scope)
        return place, scope

    def _assigned(self, assignments: Iterable[exp.Expr], scope: QueryScope) -> list[tuple[str, Sources]]:
        found = []
        for assignment in assignments:
            if not isinstance(assignment, exp.EQ):
                raise self._untold("SET that is no assignment")
            targets = assignment.this.expressions if isinstance(assignment.this, exp.Tuple) else [assignment.this]
            sources = made_from(assignment.expression, scope)
            found += [(target.name, sources) for target in targets]
        return found

    def _inserted(self, insert: exp.Insert, place: PlaceName, scope: QueryScope) -> list[tuple[str, Sources]]:
        values = insert.expression.expressions if insert.expression is not None else []
        listed = insert.this.expressions if isinstance(insert.this, exp.Tuple) else []
        names = [column.name for column in listed] or list(self.budget.schemas.get(place.name, ()))
        if len(names) < len(values) or not values:
            raise self._untold("MERGE whose INSERT names no columns, into a table whose columns are not known")
        return [(name, made_from(value, scope)) for name, value in zip(names, values, strict=False)]

    def _update(self, update: exp.Update) -> None:
        place, scope = self._target(update)
        decided = self.reader.take_from(update, scope)
        columns = self._assigned(update.expressions, scope)
        if update.args.get("where") is not None:
            decided |= made_from(update.args["where"].this, scope, decides("FILTER"))
        self._write(place, Relation(tuple(columns), (), None, decided))

    def _write(self, place: PlaceName | None, relation: Relation) -> None:
        known = self.budget.spelling(place) if place is not None else {}
        written = self.written.setdefault(place, _Written())
        columns = [(known.get(name.casefold(), name), sources) for name, sources in relation.columns]
        edges = [source.edge(name) for name, sources in columns for source in sources]
        edges += [source.edge(None) for source in relation.decided]
        beyond: set[Source] = {source for rest in relation.rest for source in rest.everything()}
        edges += [source.edge(None) for source in beyond | (relation.spread or NONE)]
        written.edges.update(dict.fromkeys(sorted(edges, key=lambda edge: str(edge.as_json()))))
        if not relation.closed:
            written.columns = None
        elif written.columns is not None:
            written.columns.update(dict.fromkeys(name for name, _ in columns))
        if len(written.edges) > MOST_EDGES:
            raise InvalidInput(f"the SQL makes more than {MOST_EDGES:,} edges; split it", field="sql")
        if place is not None and relation.closed and place.name not in self.budget.schemas:
            self.budget.learn(place, [name for name, _ in columns])


def _names_column(node: exp.Expr) -> bool:
    return isinstance(node, exp.ColumnDef | exp.Identifier | exp.Column)


def _takes_all(then: exp.Expr) -> bool:
    """Whether it is UPDATE SET * or INSERT *."""
    return isinstance(then.this, exp.Star) or any(isinstance(part, exp.Star) for part in then.expressions)
