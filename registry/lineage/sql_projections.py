"""What the columns that a SELECT lists are made from, stars included. Pure; loads sqlglot."""

from __future__ import annotations

from sqlglot import exp

from registry.errors import InvalidInput
from registry.lineage.sql_expressions import made_from
from registry.lineage.sql_relations import NONE, Rest, Sources
from registry.lineage.sql_scope import QueryScope

MOST_COLUMNS = 10_000

# There a later column of a SELECT may use the name of an earlier one.
_REUSES_ALIASES = frozenset({"snowflake", "redshift", "databricks", "spark", "duckdb", "clickhouse", "teradata"})


def projected(
    query: exp.Select, scope: QueryScope, dialect: str
) -> tuple[list[tuple[str, Sources]], list[Rest], Sources | None]:
    """The columns that a SELECT lists; what stays unknown of its stars; and what any further column is made from."""
    columns: list[tuple[str, Sources]] = []
    rest: list[Rest] = []
    spread: Sources | None = None
    for number, projection in enumerate(query.expressions, 1):
        if projection.is_star and isinstance(projection, exp.Star | exp.Column):
            more, beyond, wide = _star(projection, scope)
            columns += more
            rest += beyond
            spread = spread if wide is None else (spread or NONE) | wide
        else:
            name = projection.alias_or_name or f"_col_{number - 1}"
            if not projection.alias_or_name:
                scope.budget.note(f"column {number} of a SELECT has no name; it is called {name} here")
            sources = made_from(projection, scope)
            columns.append((name, sources))
            if dialect in _REUSES_ALIASES and projection.alias:
                scope.aliases[name] = sources
        if len(columns) > MOST_COLUMNS:
            raise InvalidInput(
                f"statement {scope.budget.statement} of the SQL has a SELECT of more than {MOST_COLUMNS:,} columns",
                field="sql",
            )
    if rest:
        scope.budget.note(
            f"SELECT * of {', '.join(sorted({one.place.name for one in rest}))}, whose columns are not known"
        )
    return columns, rest, spread


def _star(star: exp.Expr, scope: QueryScope) -> tuple[list[tuple[str, Sources]], list[Rest], Sources | None]:
    table = star.args["table"].name if isinstance(star, exp.Column) and star.args.get("table") else None
    stands = star.this if isinstance(star, exp.Column) else star
    left_out = {column.name.casefold() for column in stands.args.get("except_") or ()}
    replaced = {column.alias.casefold(): column for column in stands.args.get("replace") or ()}
    renamed = {alias.this.name.casefold(): alias.alias for alias in stands.args.get("rename") or ()}
    chosen = [scope.sources[table]] if table in scope.sources else list(scope.sources.values())
    columns: list[tuple[str, Sources]] = []
    shown: set[str] = set()
    using = {name.casefold() for name in scope.joined} if table is None else set()
    for relation in chosen:
        for name, found in relation.columns:
            key = name.casefold()
            if key in left_out or (key in using and key in shown):
                continue
            shown.add(key)
            sources = scope.unqualified(name) if key in using else found
            sources = made_from(replaced[key], scope) if key in replaced else sources
            columns.append((renamed.get(key, name), sources))
    scope.budget.spend(len(columns))
    rest = [one for relation in chosen for one in relation.rest]
    if rest:
        columns += [(column.alias, made_from(column, scope)) for key, column in replaced.items() if key not in shown]
    wide = [relation.spread for relation in chosen if relation.spread is not None]
    return columns, rest, frozenset().union(*wide) if wide else None
