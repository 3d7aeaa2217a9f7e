"""The SQL of asking the lineage, for PostgreSQL and SQLite. All values are parameters.

The two say differently what they both must do: walk from the nodes at hand to their edges by index, never the other way
round. PostgreSQL takes a lateral subquery with ``OFFSET 0`` for that, which it does not merge into a join over the
whole table however wrongly it guesses the number of nodes; SQLite keeps the order of a ``CROSS JOIN``.
"""

from __future__ import annotations

from functools import cache
from string import Template

_VALID = "(edge.since IS NULL OR edge.since <= %(at)s) AND (edge.until IS NULL OR edge.until > %(at)s)"
_EDGE_FIELDS = "source_id, target_id, level, manner, subtype, masking, statement_id, treatment"

_LISTED = {
    "postgresql": "SELECT unnest(%(start)s::bigint[]) AS node",
    "sqlite": "SELECT value AS node FROM json_each(%(start)s)",
}

_REACHED = {
    "postgresql": Template("""
        reached(node) AS (
            SELECT id FROM registry_lineagecolumn WHERE id IN (SELECT node FROM listed)
            UNION
            SELECT next.node FROM reached CROSS JOIN LATERAL (
                SELECT edge.$there AS node FROM registry_lineageedge edge
                WHERE edge.$here = reached.node AND $valid OFFSET 0
            ) next
        )"""),
    "sqlite": Template("""
        reached(node) AS (
            SELECT id FROM registry_lineagecolumn WHERE id IN (SELECT node FROM listed)
            UNION
            SELECT edge.$there FROM reached CROSS JOIN registry_lineageedge edge
            WHERE edge.$here = reached.node AND $valid
        )"""),
}

_EDGES = {
    "postgresql": Template("""
        SELECT kept.node, found.* FROM kept LEFT JOIN LATERAL (
            SELECT $fields FROM registry_lineageedge edge WHERE edge.$here = kept.node AND $valid OFFSET 0
        ) found ON true LIMIT %(edges)s"""),
    "sqlite": Template("""
        SELECT kept.node, $fields FROM kept LEFT JOIN registry_lineageedge edge
        ON edge.$here = kept.node AND $valid LIMIT %(edges)s"""),
}


_REACH = Template("""
    WITH RECURSIVE listed AS ($listed), $reached,
        kept AS MATERIALIZED (SELECT node FROM reached LIMIT %(nodes)s)
    $edges
""")

_DEPENDING = Template("""
    WITH RECURSIVE listed AS ($listed), $reached
    SELECT DISTINCT place.version_id FROM reached
    JOIN registry_lineagecolumn node ON node.id = reached.node
    JOIN registry_place place ON place.id = node.place_id
    WHERE place.version_id IS NOT NULL
""")

# What was another dataset's place before it was registered stands as another name of it.
_BEHIND = Template("""
    WITH RECURSIVE listed AS ($listed), $reached
    SELECT place.dataset_id FROM registry_place place
    WHERE place.dataset_id IS NOT NULL AND COALESCE(place.alias_of_id, place.id) IN (
        SELECT node.place_id FROM reached JOIN registry_lineagecolumn node ON node.id = reached.node
    )
""")

_NODES = Template("""
    WITH listed AS ($listed)
    SELECT node.id, node.role, node.name, place.id, place.namespace, place.name, place.kind,
        dataset.slug, model.name, version.name
    FROM listed
    JOIN registry_lineagecolumn node ON node.id = listed.node
    JOIN registry_place place ON place.id = node.place_id
    LEFT JOIN registry_dataset dataset ON dataset.id = place.dataset_id
    LEFT JOIN registry_modelversion version ON version.id = place.version_id
    LEFT JOIN registry_registeredmodel model ON model.id = version.model_id
""")

_STATEMENTS = Template("""
    WITH listed AS ($listed)
    SELECT statement.id, job.namespace, job.name, statement.by, statement.seen
    FROM listed
    JOIN registry_lineagestatement statement ON statement.id = listed.node
    JOIN registry_lineagejob job ON job.id = statement.job_id
""")


def _ends(*, up: bool, ever: bool = False) -> dict[str, str]:
    here, there = ("target_id", "source_id") if up else ("source_id", "target_id")
    return {"here": here, "there": there, "valid": "TRUE" if ever else _VALID, "fields": _EDGE_FIELDS}


@cache
def reach_sql(vendor: str, *, up: bool, ever: bool = False) -> str:
    """Every node reached from ``start`` at ``at``, at most ``nodes``, each with its edges on the way, at most ``edges``.

    With ``ever`` through edges of any time. Rows are the node, then source, target, level, manner, subtype, masking, statement and treatment of an edge, which
    are null for a node without any.
    """
    ends = _ends(up=up, ever=ever)
    return _REACH.substitute(
        listed=_LISTED[vendor], reached=_REACHED[vendor].substitute(ends), edges=_EDGES[vendor].substitute(ends)
    )


@cache
def depending_versions_sql(vendor: str, *, ever: bool = False) -> str:
    """Numbers of the model versions downstream of ``start`` at ``at``, or with ``ever`` at any time."""
    reached = _REACHED[vendor].substitute(_ends(up=False, ever=ever))
    return _DEPENDING.substitute(listed=_LISTED[vendor], reached=reached)


@cache
def datasets_behind_sql(vendor: str) -> str:
    """Numbers of the registered datasets upstream of ``start`` at ``at``."""
    return _BEHIND.substitute(listed=_LISTED[vendor], reached=_REACHED[vendor].substitute(_ends(up=True)))


@cache
def nodes_sql(vendor: str) -> str:
    """Role and name of the nodes ``start``, with place, dataset, model and version."""
    return _NODES.substitute(listed=_LISTED[vendor])


@cache
def statements_sql(vendor: str) -> str:
    """The job, by and seen of the statements ``start``."""
    return _STATEMENTS.substitute(listed=_LISTED[vendor])
