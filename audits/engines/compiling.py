"""From an Ibis expression to the SQL of an engine. Pure of Django.

Ibis is used for expressions and SQL only, never for connections: see docs/adr/0010. Its backends would bring drivers along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

Dialect: TypeAlias = Literal["duckdb", "postgres", "pyspark"]

# Characters that sqlglot writes as \a, \v, \f, which Spark reads as the letters; and code points that no text holds.
_UNSPOKEN = {"\a": "\ufdd0", "\v": "\ufdd1", "\f": "\ufdd2"}


def to_sql(expression: ibis.Table, dialect: Dialect, *, source: str = "") -> str:
    """The SQL of a table expression over the table ``source``.

    Parameters
    ----------
    source
        A query of PostgreSQL that stands for the table ``source``, where no view of that name does. It is never materialised.

    Raises
    ------
    InvalidInput
        If the engine has no way to say it.
    """
    from ibis.common.exceptions import IbisError

    compiler = _compiler(dialect)
    try:
        query = compiler.to_sqlglot(expression.unbind())
    except IbisError as error:
        raise InvalidInput(f"this cannot be asked of {dialect}: {error}", field="data") from error
    if dialect == "pyspark":
        return _spoken_by_spark(query, compiler.dialect)
    if not source:
        return str(query.sql(compiler.dialect))
    # It goes before the expression's own subqueries, which read it.
    own = query.args.get("with_")
    given = [f'"source" AS NOT MATERIALIZED ({source})', *(part.sql(compiler.dialect) for part in own or ())]
    query.set("with_", None)
    return f"WITH {', '.join(given)} {query.sql(compiler.dialect)}"


def scans_rows(expression: ibis.Table) -> bool:
    """Whether the result may have as many rows as the table: nothing in it groups or limits."""
    import ibis.expr.operations as ops

    return not expression.op().find((ops.Aggregate, ops.Limit, ops.Distinct))


def quoted(name: str, mark: str = '"') -> str:
    """A name as SQL has it, in quotes."""
    return mark + name.replace(mark, mark * 2) + mark


def text(value: str) -> str:
    """A text as SQL has it, in single quotes (where backslashes mean nothing: DuckDB and PostgreSQL)."""
    return "'" + value.replace("'", "''") + "'"


def _compiler(dialect: Dialect) -> Any:
    from ibis.backends.sql import compilers

    if dialect == "duckdb":
        return compilers.DuckDBCompiler()
    if dialect == "postgres":
        return _postgres()
    # The rules for Spark read an option that exists once Ibis has loaded the whole backend; nothing connects.
    from ibis import pyspark  # noqa: F401 - this loads it

    return _spark()


def _postgres() -> Any:
    """The rules for PostgreSQL, which has fewer ways between booleans and numbers than the other engines."""
    import ibis.expr.datatypes as dt
    from ibis.backends.sql import compilers

    class Compiler(compilers.PostgresCompiler):  # type: ignore[misc, unused-ignore]
        def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802 - Ibis names its rules so
            given = op.arg.dtype
            if given.is_boolean() and to.is_numeric():
                arg = self.cast(arg, dt.int32)
            if given.is_numeric() and to.is_boolean():
                return arg.neq(0)
            return super().visit_Cast(op, arg=arg, to=to)

    return Compiler()


def _spoken_by_spark(query: Any, dialect: Any) -> str:
    from sqlglot import exp

    for literal in query.find_all(exp.Literal):
        if literal.is_string:
            literal.set("this", literal.this.translate(str.maketrans(_UNSPOKEN)))
    written = str(query.sql(dialect))
    for character, stand_in in _UNSPOKEN.items():
        written = written.replace(stand_in, f"\\u{ord(character):04x}")
    return written


def _spark() -> Any:
    """The rules for Spark, which counts the places of an array in 32 bits."""
    import ibis.expr.datatypes as dt
    from ibis.backends.sql import compilers

    class Compiler(compilers.PySparkCompiler):  # type: ignore[misc, unused-ignore]
        def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: N802 - Ibis names its rules so
            return super().visit_ArrayIndex(op, arg=arg, index=self.cast(index, dt.int32))

    return Compiler()
