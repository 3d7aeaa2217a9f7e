"""What the columns of an SQL query are made from: FROM, WITH, UNION and the rest. Pure; loads sqlglot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from registry.errors import InvalidInput
from registry.lineage.sql_expressions import made_from
from registry.lineage.sql_projections import projected
from registry.lineage.sql_relations import NONE, Budget, Relation, Rest, Sources, Step, decides
from registry.lineage.sql_scope import QueryScope
from registry.lineage.sql_tables import alias_columns, apply_pivots, name_of, rows_of_function

_MOST_ROUNDS = 50


@dataclass
class Reader:
    """Reads queries of one text."""

    budget: Budget
    dialect: str

    def relation(self, query: exp.Expr, names: Mapping[str, Relation], outer: QueryScope | None = None) -> Relation:
        """What a query gives.

        Parameters
        ----------
        names
            What stands for CTEs and temporary tables.
        outer
            The query around it, whose columns it may use.
        """
        names = self.names_of(query, names, outer)
        if isinstance(query, exp.Subquery):
            if isinstance(query.this, exp.Table):
                return self._joined_in_parentheses(query.this, names, outer)
            return self.relation(query.this, names, outer).renamed(alias_columns(query))
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, names, outer)
        if isinstance(query, exp.Select):
            return self._select(query, names, outer)
        if isinstance(query, exp.Values):
            return rows_of_function(query, QueryScope(self, names, outer))
        if isinstance(query, exp.Table):
            return self._source(query, QueryScope(self, names, outer))
        raise InvalidInput(
            f"statement {self.budget.statement} of the SQL holds a {query.key.upper()} where a query is expected",
            field="sql",
        )

    def names_of(
        self, query: exp.Expr, names: Mapping[str, Relation], outer: QueryScope | None = None
    ) -> Mapping[str, Relation]:
        """The names that a query sees: those given, and those of its WITH."""
        clause = query.args.get("with_")
        if clause is None:
            return names
        seen = dict(names)
        for cte in clause.expressions:
            renames = alias_columns(cte)
            if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
                seen[cte.alias] = self._recursive(cte, seen, outer)
            elif isinstance(cte.this, exp.Query):
                seen[cte.alias] = self.relation(cte.this, seen, outer).renamed(renames)
            elif isinstance(cte.this, exp.DML):
                raise InvalidInput(
                    f"statement {self.budget.statement} of the SQL writes within {cte.alias}; write it as its own statement",
                    field="sql",
                )
            else:  # WITH 1 AS x: a named value
                sources = made_from(cte.this, QueryScope(self, seen, outer))
                seen[cte.alias] = Relation(columns=((cte.alias, sources),))
        return seen

    def _recursive(self, cte: exp.CTE, names: Mapping[str, Relation], outer: QueryScope | None) -> Relation:
        """A query that reads itself: from its first part on, until no source is added."""
        renames = alias_columns(cte)
        _, first = next(_operations(cte.this))
        known = self.relation(first, self.names_of(cte.this, names, outer), outer).renamed(renames)
        for _ in range(_MOST_ROUNDS):
            more = self.relation(cte.this, {**names, cte.alias: known}, outer).renamed(renames)
            if more == known:
                return known
            known = more
        raise InvalidInput(
            f"statement {self.budget.statement} of the SQL: {cte.alias} refers to itself beyond what can be followed",
            field="sql",
        )

    def _set_operation(
        self, query: exp.SetOperation, names: Mapping[str, Relation], outer: QueryScope | None
    ) -> Relation:
        parts = list(_operations(query))
        whole = self.relation(parts[0][1], names, outer)
        for operation, part in parts[1:]:
            right = self.relation(part, names, outer)
            if isinstance(operation, exp.Union):
                whole = self.union(whole, right, by_name=bool(operation.args.get("by_name")))
            else:
                decided = self.budget.through(right.all_columns, decides("FILTER"))
                whole = replace(
                    whole, decided=whole.decided | right.decided | decided, places=whole.places | right.places
                )
        return self._ordered(query, whole, names, outer)

    def _ordered(
        self, query: exp.SetOperation, whole: Relation, names: Mapping[str, Relation], outer: QueryScope | None
    ) -> Relation:
        order = query.args.get("order")
        if order is None:
            return whole
        scope = QueryScope(self, names, outer, sources={"": whole})
        return replace(whole, decided=whole.decided | made_from(order, scope, decides("SORT")))

    def union(self, one: Relation, other: Relation, *, by_name: bool) -> Relation:
        """What UNION gives of two relations."""
        decided, places = one.decided | other.decided, one.places | other.places
        self.budget.spend(len(one.columns) + len(other.columns))
        if by_name and one.closed and other.closed:
            listed = dict.fromkeys([name for name, _ in (*one.columns, *other.columns)])
            columns = tuple((name, (one.column(name) or NONE) | (other.column(name) or NONE)) for name in listed)
            return Relation(columns, decided=decided, places=places)
        if one.closed and other.closed and len(one.columns) == len(other.columns):
            pairs = zip(one.columns, other.columns, strict=True)
            columns = tuple((name, left | right) for (name, left), (_, right) in pairs)
            return Relation(columns, decided=decided, places=places)
        if not one.columns and not other.columns and len(one.rest) == len(other.rest) == 1:
            first, second = one.rest[0], other.rest[0]
            whole = first.whole | second.whole | ({second.place} - {first.place})
            if whole:
                self.budget.note("a UNION of SELECT * whose columns are not known: they were tied to the whole tables")
            return Relation(rest=(Rest(first.place, whole),), decided=decided, places=places)
        self.budget.note("a UNION whose columns cannot be paired: every column was tied to all that it may come from")
        everything = one.all_columns | other.all_columns
        names = [name for name, _ in one.columns]
        spread = None if one.closed else everything
        return Relation(tuple((name, everything) for name in names), (), spread, decided, places)

    def _select(self, query: exp.Select, names: Mapping[str, Relation], outer: QueryScope | None) -> Relation:
        scope = QueryScope(self, names, outer)
        scope.windows = {window.name: window for window in query.args.get("windows") or ()}
        decided = self.take_from(query, scope)
        columns, rest, spread = projected(query, scope, self.dialect)
        for clause in ("where", "prewhere", "connect"):
            if query.args.get(clause) is not None:
                decided |= made_from(query.args[clause], replace(scope, aliases={}), decides("FILTER"))
        if query.find(exp.MatchRecognize):
            raise InvalidInput(
                f"statement {self.budget.statement} of the SQL matches rows, which is not followed", field="sql"
            )
        scope.aliases = {**scope.aliases, **{name: sources for name, sources in columns if name}}
        decided |= self._grouping(query, columns, scope)
        for clause in ("having", "qualify"):
            if query.args.get(clause) is not None:
                decided |= made_from(query.args[clause].this, scope, decides("FILTER"))
        by_alias = replace(scope, aliases_first=True)
        for clause in ("order", "sort", "cluster", "distribute"):
            for part in _parts_of_order(query.args.get(clause)):
                decided |= self._by_position(part, columns, by_alias, decides("SORT"))
        distinct = query.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            decided |= made_from(distinct.args["on"], scope, decides("GROUP_BY"))
        for relation in scope.sources.values():
            decided |= relation.decided
        places = frozenset().union(*(relation.places for relation in scope.sources.values()))
        self.budget.spend(len(decided))
        return Relation(tuple(columns), tuple(rest), spread, decided, places)

    def _grouping(self, query: exp.Select, columns: list[tuple[str, Sources]], scope: QueryScope) -> Sources:
        group = query.args.get("group")
        if group is None:
            return NONE
        parts: Iterable[exp.Expr] = group.find_all(exp.Column, exp.Literal, bfs=False)
        if group.args.get("all"):
            parts = [part.unalias() for part in query.expressions if not part.find(exp.AggFunc)]
        elif not any(group.args.get(key) for key in ("rollup", "cube", "grouping_sets")):
            parts = group.expressions
        found = [self._by_position(part, columns, scope, decides("GROUP_BY")) for part in parts]
        return frozenset().union(*found)

    def _by_position(
        self, part: exp.Expr, columns: list[tuple[str, Sources]], scope: QueryScope, step: Step
    ) -> Sources:
        """An expression of ORDER BY or GROUP BY, where a bare number counts the columns."""
        bare = part.this if isinstance(part, exp.Ordered) else part
        if isinstance(bare, exp.Literal) and not bare.is_string and bare.name.isdigit():
            index = int(bare.name) - 1
            return self.budget.through(columns[index][1], step) if 0 <= index < len(columns) else NONE
        return made_from(part, scope, step)

    def take_from(self, query: exp.Expr, scope: QueryScope) -> Sources:
        """Take the tables of FROM and JOIN into the scope; what the joins decide by."""
        start = query.args.get("from_")
        if start is not None:
            self.take(start.this, scope)
        decided = NONE
        for join in query.args.get("joins") or ():
            decided |= self._join(join, scope)
        for lateral in query.args.get("laterals") or ():
            self.take(lateral, scope)
        return decided

    def _join(self, join: exp.Join, scope: QueryScope) -> Sources:
        left = dict(scope.sources)
        self.take(join.this, scope)
        right = [relation for table, relation in scope.sources.items() if table not in left]
        using = {identifier.name for identifier in join.args.get("using") or ()}
        if join.method == "NATURAL":
            using |= self._shared(left.values(), right)
        scope.joined |= using
        decided = frozenset().union(*(scope.unqualified(name) for name in using))
        found = self.budget.through(decided, decides("JOIN"))
        if join.args.get("on") is not None:
            found |= made_from(join.args["on"], scope, decides("JOIN"))
        if join.kind in {"SEMI", "ANTI"} or join.side in {"SEMI", "ANTI"}:
            # Its columns are not there afterwards, but what decided on its rows did decide.
            found = found.union(*(relation.decided for relation in right))
            scope.sources = left
        return found

    def _shared(self, left: Iterable[Relation], right: Iterable[Relation]) -> set[str]:
        one = {name for relation in left for name, _ in relation.columns}
        other = {name for relation in right for name, _ in relation.columns}
        if not one or not other:
            self.budget.note("a NATURAL JOIN of tables whose columns are not known: what it joins by is not told")
        return one & other

    def take(self, node: exp.Expr, scope: QueryScope) -> None:
        """Put one table, subquery or function of a FROM into the scope."""
        alias = node.alias_or_name
        pivots = node.args.get("pivots") or ()
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            self.take(node.this, scope)  # parentheses around joins, without a name of their own
            return
        relation = self._source(node, scope)
        if pivots:
            relation, alias = apply_pivots(relation, pivots, scope), pivots[-1].alias or alias
        while alias in scope.sources:  # two of the same name, as in a self-join without aliases, stay two
            alias += "'"
        scope.sources[alias] = relation
        for join in node.args.get("joins") or ():
            decided = self._join(join, scope)
            scope.sources[alias] = replace(scope.sources[alias], decided=scope.sources[alias].decided | decided)

    def _joined_in_parentheses(
        self, table: exp.Table, names: Mapping[str, Relation], outer: QueryScope | None
    ) -> Relation:
        scope = QueryScope(self, names, outer)
        self.take(table, scope)
        relations = list(scope.sources.values())
        columns = [column for relation in relations for column in relation.columns]
        rest = [one for relation in relations for one in relation.rest]
        wide = [relation.spread for relation in relations if relation.spread is not None]
        return Relation(
            tuple(columns),
            tuple(rest),
            frozenset().union(*wide) if wide else None,
            frozenset().union(*(relation.decided for relation in relations)),
            frozenset().union(*(relation.places for relation in relations)),
        )

    def _source(self, node: exp.Expr, scope: QueryScope) -> Relation:
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            known = None if node.args.get("db") else scope.names.get(node.name)
            relation = known if known is not None else self.budget.table(self.budget.place(name_of(node)))
            return relation.renamed(alias_columns(node))
        if isinstance(node, exp.Subquery):
            # Only LATERAL sees its neighbours; a FROM's subquery sees what the whole query stands in.
            return self.relation(node, scope.names, scope.outer)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return self.relation(node.this, scope.names, scope).renamed(alias_columns(node))
        return rows_of_function(node, scope)


def _operations(query: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The parts of a chain of UNIONs from the left, each with what ties it to those before."""
    chain = []
    while isinstance(query, exp.SetOperation):
        chain.append(query)
        query = query.left
        if query.args.get("with_") is not None:
            break
    yield query, query
    for operation in reversed(chain):
        yield operation, operation.right


def _parts_of_order(clause: exp.Expr | None) -> list[exp.Expr]:
    return list(clause.expressions) if clause is not None else []
