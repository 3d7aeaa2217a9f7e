"""Tables of a FROM that are no plain tables: functions that give rows, VALUES, pivots. Pure; loads sqlglot."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from registry.lineage.sql_expressions import Scope, made_from
from registry.lineage.sql_relations import AGGREGATED, NONE, TRANSFORMED, Relation, Sources


def name_of(table: exp.Table) -> str:
    """A table's name with database and schema as the SQL says them."""
    return ".".join(part.name for part in table.parts)


def alias_columns(node: exp.Expr) -> list[str]:
    """The names that ``AS t (a, b)`` gives to columns."""
    alias = node.args.get("alias")
    return [column.name for column in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []


def rows_of_function(node: exp.Expr, scope: Scope) -> Relation:
    """What ``UNNEST(…)``, ``LATERAL VIEW``, ``VALUES`` or another function gives: all its columns from all it is given."""
    names = alias_columns(node)
    if isinstance(node, exp.Values):
        return _values(node, scope).renamed(names)
    found: Sources = NONE
    for argument in node.iter_expressions():
        if not isinstance(argument, exp.TableAlias) and isinstance(argument, exp.Expr):
            found |= made_from(argument, scope, TRANSFORMED)
    if not found and not node.find(exp.Unnest, exp.GenerateSeries, exp.ExplodingGenerateSeries):
        scope.budget.note("rows come from a function, and SQL alone does not tell from where")
    places = frozenset(source.place for source in found)
    if names:
        return Relation(tuple((name, found) for name in names), places=places)
    return Relation(spread=found, places=places)


def _values(node: exp.Values, scope: Scope) -> Relation:
    columns: list[Sources] = []
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        columns += [NONE] * (len(cells) - len(columns))
        for index, cell in enumerate(cells):
            columns[index] |= made_from(cell, scope)
    return Relation(tuple((f"column{number}", sources) for number, sources in enumerate(columns, 1)))


def apply_pivots(relation: Relation, pivots: list[exp.Pivot], scope: Scope) -> Relation:
    """The relation after PIVOT and UNPIVOT: every column that they make comes from every column that they use."""
    for pivot in pivots:
        step = TRANSFORMED if pivot.args.get("unpivot") else AGGREGATED
        if not relation.closed:
            scope.budget.note(
                "a PIVOT of a table whose columns are not known: its columns were tied to the whole table"
            )
            spread = scope.budget.through(relation.all_columns, step)
            relation = replace(relation, columns=(), rest=(), spread=spread, guessed=None)
            continue
        used = {column.name for column in pivot.find_all(exp.Column)}
        used |= {name.name for name in pivot.find_all(exp.Identifier)} if pivot.args.get("unpivot") else set()
        kept = [(name, sources) for name, sources in relation.columns if name not in used]
        spent = [sources for name, sources in relation.columns if name in used]
        made = scope.budget.through(frozenset().union(*spent), step)
        names = [column.name for column in pivot.args.get("columns") or ()]
        columns = (*kept, *((name, made) for name in names))
        relation = replace(relation, columns=columns, spread=None if names else made, guessed=None)
        relation = relation.renamed(alias_columns(pivot))
    return relation
