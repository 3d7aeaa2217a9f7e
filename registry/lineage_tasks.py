"""Background entry points of the lineage. Safe to run twice."""

from __future__ import annotations

from django_tasks import task


@task()
def read_query(event: int, namespace: str, name: str) -> None:
    """Read the SQL of an event for the columns that its output is made from; a note on the event says if it cannot be."""
    from registry.lineage.names import PlaceName
    from registry.services.job_queries import read_query_of

    read_query_of(event=event, place=PlaceName(namespace, name))
