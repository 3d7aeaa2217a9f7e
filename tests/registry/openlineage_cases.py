"""Short ways to write OpenLineage events in tests."""

from datetime import UTC, datetime, timedelta

T0 = datetime(2026, 11, 1, tzinfo=UTC)
CRM, MART = "customers", "applicants"
NAMESPACE = "postgres://warehouse:5432"
PRODUCER = {"_producer": "https://example.org/scheduler", "_schemaURL": "https://example.org/facet.json"}


def dataset(name: str, *, namespace: str = NAMESPACE, **facets) -> dict:
    return {
        "namespace": namespace, "name": name, "facets": {key: {**PRODUCER, **facet} for key, facet in facets.items()},
    }  # fmt: skip


def column_lineage(*, dataset=(), **fields) -> dict:
    """``target=[(place, column), ...]``, each an identity; or dictionaries of input fields as they are."""
    made = {
        "fields": {
            target: {"inputFields": [source if isinstance(source, dict) else field(*source) for source in sources]}
            for target, sources in fields.items()
        }
    }
    return {**made, "dataset": list(dataset)} if dataset else made


def field(place: str, column: str, kind="DIRECT", subtype="IDENTITY", **more) -> dict:
    return {
        "namespace": NAMESPACE, "name": place, "field": column,
        "transformations": [{"type": kind, "subtype": subtype, **more}],
    }  # fmt: skip


def schema(*columns: str, **types: str) -> dict:
    listed = {**dict.fromkeys(columns, "text"), **types}
    return {"fields": [{"name": name, "type": kind} for name, kind in listed.items()]}


def event(
    kind="COMPLETE", hour=0, *, run=0, job="daily", inputs=(), outputs=(), job_facets=None, run_facets=None
) -> dict:
    """A run event, so many hours after T0."""
    return {
        "eventType": kind,
        "eventTime": (T0 + timedelta(hours=hour)).isoformat(),
        "producer": "https://example.org/scheduler",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"00000000-0000-7000-8000-{run:012}", "facets": run_facets or {}},
        "job": {"namespace": "airflow", "name": job, "facets": job_facets or {}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }
