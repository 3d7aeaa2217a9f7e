"""Which columns an SQL expression is made from, and how. Pure; read only where SQL is parsed, since it loads sqlglot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlglot import exp

from registry.lineage.sql_relations import AGGREGATED, TRANSFORMED, Budget, Relation, Sources, Step, Treatment, decides

# Without underscores, since sqlglot writes SHA2_DIGEST as S_H_A2_DIGEST.
_HASHES = frozenset({
    "md5", "md5digest", "md5hex", "md5binary", "md5numberlower64", "md5numberupper64", "sha", "sha1", "sha1hex",
    "sha1binary", "sha1digest", "sha2", "sha2hex", "sha2binary", "sha2digest", "sha224", "sha256", "sha384", "sha512",
    "digest", "hash", "hashbytes", "standardhash", "orahash", "xxhash", "xxhash32", "xxhash64", "murmurhash", "murmur3",
    "farmfingerprint", "crc32", "fnv1", "fnv1a", "cityhash64", "siphash64", "hashtext", "checksum", "binarychecksum",
})  # fmt: skip
_KEYED = frozenset({"hmac", "hmacmd5", "hmacsha1", "hmacsha256", "hmacsha512"})
_ENCRYPTION = frozenset({"encrypt", "aesencrypt", "pgpsymencrypt", "encryptraw"})

# They hand one row's value on, whatever sqlglot's class hierarchy says.
_ROW_VALUES = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.First, exp.Last, exp.AnyValue)
_PASSING = (
    exp.Alias,
    exp.Paren,
    exp.Subquery,
    exp.Ordered,
    exp.Where,
    exp.Order,
    exp.Tuple,
    exp.Distinct,
    exp.PropertyEQ,
)
_UNSEEN = (exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.Identifier, exp.Var, exp.JSONPath)


Below = tuple[exp.Expr, Step]
"""An expression within another, and what everything around it does."""


class Scope(Protocol):
    """What names mean where the expression stands."""

    @property
    def budget(self) -> Budget:
        """What is left of the work, and where notes go."""

    def resolve(self, column: exp.Column) -> tuple[Sources, bool]:
        """The sources of a column, and whether they are only a part of it, as in ``person.address.city``."""

    def query(self, query: exp.Query) -> Relation:
        """A query within the expression."""

    def everything(self) -> Sources:
        """All rows of the FROM, as ``COUNT(*)`` counts them."""

    def whole(self, table: exp.Table) -> Sources:
        """A table that is given to a function."""

    def window(self, name: str) -> exp.Expr | None:
        """A window that is defined by name."""


def made_from(expression: exp.Expr, scope: Scope, step: Step | None = None) -> Sources:
    """The sources of an expression, after ``step``.

    Values come over (direct) or only decide (indirect), in OpenLineage's words; a hash, a keyed hash or an encryption
    around a column is told as its treatment.
    """
    found: set[Sources] = set()
    waiting: list[tuple[exp.Expr, Step]] = [(expression, step or Step())]
    while waiting:
        node, above = waiting.pop()
        scope.budget.spend(1)
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            sources, part = scope.resolve(node)
            found.add(scope.budget.through(sources, above.then(TRANSFORMED) if part else above))
        elif isinstance(node, exp.Star | exp.Column):
            found.add(scope.budget.through(scope.everything(), above.then(TRANSFORMED)))
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            found.add(scope.budget.through(scope.whole(node), above.then(TRANSFORMED)))
        elif isinstance(node, exp.Query) and not isinstance(node, exp.Subquery):
            relation = scope.query(node)
            found.add(scope.budget.through(relation.all_columns | relation.decided, above.then(TRANSFORMED)))
        else:
            waiting += _below(node, above, scope)
    return frozenset().union(*found)


def _below(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    """The children of an expression, each with the step above it."""
    for kinds, read in _READERS:
        if isinstance(node, kinds):
            return read(node, above, scope)
    return _function(node, above, scope)


def _unseen(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return []


def _passing(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return [(child, above) for child in _children(node)]


def _case(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    operand = [node.this] if node.this else []
    whens = [branch.this for branch in node.args["ifs"]]
    thens = [branch.args["true"] for branch in node.args["ifs"]]
    return _conditional([*operand, *whens], [*thens, node.args.get("default")], above)


def _if(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return _conditional([node.this], [node.args.get("true"), node.args.get("false")], above)


def _filtered(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return [(node.this, above), (node.expression, above.then(decides("FILTER")))]


def _within_group(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return [(node.this, above), (node.expression, above.then(AGGREGATED))]


def _exists(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return [(child, above.then(decides("CONDITIONAL"))) for child in _children(node)]


def _counted(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    rows = above.then(decides("AGGREGATION"))
    return [(child, rows if isinstance(child, exp.Star) else above.then(AGGREGATED)) for child in _children(node)]


def _aggregate(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    return [(child, above.then(AGGREGATED)) for child in _children(node)]


def _children(node: exp.Expr) -> list[exp.Expr]:
    return [child for child in node.iter_expressions() if isinstance(child, exp.Expr)]


def _conditional(deciding: list[exp.Expr], giving: list[exp.Expr | None], above: Step) -> list[Below]:
    chosen = [(child, above.then(TRANSFORMED)) for child in giving if child is not None]
    return [*((child, above.then(decides("CONDITIONAL"))) for child in deciding), *chosen]


def _windowed(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    window = above.then(decides("WINDOW"))
    found: list[Below] = [(node.this, above.then(TRANSFORMED))]
    named = scope.window(node.args["alias"].name) if node.args.get("alias") else None
    for definition in (node, named):
        if definition is not None:
            found += [(part, window) for part in definition.args.get("partition_by") or ()]
            if definition.args.get("order"):
                found.append((definition.args["order"], window))
    return found


def function_name(node: exp.Expr) -> str:
    """A function's name in lower case without underscores; empty for what is none."""
    if isinstance(node, exp.Anonymous):
        return node.name.casefold().replace("_", "")
    return node.sql_name().casefold().replace("_", "") if isinstance(node, exp.Func) else ""


def _function(node: exp.Expr, above: Step, scope: Scope) -> list[Below]:
    name, children = function_name(node), _children(node)
    if name in _HASHES:
        return [(child, above.then(_treated("hash"))) for child in children]
    if name in _KEYED or name in _ENCRYPTION:
        return _with_key(name, children, above, scope)
    return [(child, above.then(TRANSFORMED)) for child in children]


def _treated(method: str) -> Step:
    treatment: Treatment = (("method", method),)
    return Step("direct", "TRANSFORMATION", treatment)


def _with_key(name: str, children: list[exp.Expr], above: Step, scope: Scope) -> list[Below]:
    """What is hashed or encrypted with a key, which only protects where others do not know the key."""
    if len(children) < 2:  # noqa: PLR2004 - the data and the key
        scope.budget.note(f"{name} is called without a key, and protects as little as a hash does")
        return [(child, above.then(_treated("hash"))) for child in children]
    data, key, *others = children
    method = "keyed-hash" if name in _KEYED else "encryption"
    if isinstance(key, exp.Literal):
        scope.budget.note(
            f"the key of {name} stands in the SQL, so it is no secret: it is taken for a hash without one"
        )
        method = "hash"
    return [(data, above.then(_treated(method))), *((child, above.then(TRANSFORMED)) for child in (key, *others))]


# The first that fits reads the expression; all others are functions and operators of one row.
_READERS: tuple[tuple[type | tuple[type, ...], Callable[[exp.Expr, Step, Scope], list[Below]]], ...] = (
    (_UNSEEN, _unseen),
    (_PASSING, _passing),
    (exp.Case, _case),
    (exp.If, _if),
    (exp.Window, _windowed),
    (exp.Filter, _filtered),
    (exp.WithinGroup, _within_group),
    (exp.Exists, _exists),
    (exp.Count, _counted),
    (_ROW_VALUES, _function),
    (exp.AggFunc, _aggregate),
)
