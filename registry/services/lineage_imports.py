"""Importing lineage that other tools wrote down: a dbt project, or definitions of features. All or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from registry import ledger
from registry.canonical import canonical_json, sha256_hex
from registry.errors import InvalidInput
from registry.ledger_actions import Action
from registry.lineage.dbt import read_dbt
from registry.lineage.feature_store import read_definitions
from registry.lineage.features import Tags
from registry.lineage.names import OUR_JOBS, JobName, PlaceName
from registry.lineage.statement import Statement
from registry.models import LineageEvent, LineageStatement, Person
from registry.services.classifications import record_tags
from registry.services.lineage import apply_statements
from registry.services.lineage_events import check_sender
from registry.services.place_schemas import ToldSchema, tell_schemas
from registry.services.places import ensure_jobs, ensure_places, lock_lineage

FORMATS = ("dbt", "features")
MOST_BYTES = 64_000_000
_AHEAD = timedelta(minutes=5)
_MOST_NOTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made.

    Attributes
    ----------
    sha256
        By which the document is kept.
    new
        Whether anything changed; a document that is the latest word of its project already changes nothing.
    """

    sha256: str
    new: bool
    places: int
    edges: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    job: JobName
    at: datetime
    statements: Sequence[Statement]
    schemas: Sequence[tuple[PlaceName, dict[str, str]]] = ()
    tags: Sequence[tuple[PlaceName, str | None, Tags]]
    notes: Sequence[str]


def import_lineage(
    *, actor: Person, format: str, document: object, catalog: object = None, namespace: str | None = None
) -> Imported:
    """Keep a document and take what it says into the graph.

    Parameters
    ----------
    format
        ``dbt`` for a ``manifest.json``, or ``features`` for definitions of features.
    document, catalog
        As parsed; the catalog is dbt's ``catalog.json``.
    namespace
        Where the tables lie that the document names without one.

    Raises
    ------
    NotAllowed
        Unless the actor may send lineage: service accounts, and people who hold a role or tend a dataset.
    InvalidInput
        Naming the field of the document that is wrong; nothing is kept then.
    """
    check_sender(actor)
    if format not in FORMATS:
        raise InvalidInput(f"format must be one of {', '.join(FORMATS)}", field="format")
    if format != "dbt" and catalog is not None:
        raise InvalidInput("only dbt has a catalog", field="catalog")
    kept = {"format": format, "document": document, "catalog": catalog, "namespace": namespace}
    content = canonical_json(kept)
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"the document is larger than {MOST_BYTES:,} bytes", field="document")
    read = _read_dbt(document, catalog, namespace) if format == "dbt" else _read_features(document, namespace)
    with transaction.atomic():
        lock_lineage()
        return _take_in(actor, format, kept, sha256_hex(content), read)


def _read_dbt(document: object, catalog: object, namespace: str | None) -> _Read:
    found = read_dbt(document, catalog=catalog, namespace=namespace)
    if found.at > timezone.now() + _AHEAD:
        raise InvalidInput("metadata.generated_at: lies in the future", field="metadata.generated_at")
    if not found.statements:
        raise InvalidInput("nodes: the project makes no relation", field="nodes")
    return _Read(
        job=JobName(OUR_JOBS, f"dbt project {found.project}"),
        at=found.at,
        statements=found.statements,
        schemas=[(place, dict(columns)) for place, columns in found.schemas.items()],
        tags=found.tags,
        notes=found.notes,
    )


def _read_features(document: object, namespace: str | None) -> _Read:
    found = read_definitions(document, namespace=namespace)
    if not found.places:
        raise InvalidInput("set: is required: the name under which the features are known", field="set")
    first = found.places[0].place
    job = JobName(
        OUR_JOBS, f"features of {first.namespace.removeprefix('feast:') if found.direct == {} else first.name}"
    )
    at = timezone.now()
    return _Read(job=job, at=at, statements=found.statements(job=job, at=at), tags=found.tags, notes=found.notes)


def _take_in(actor: Person, format: str, kept: dict[str, object], digest: str, read: _Read) -> Imported:
    job = ensure_jobs([read.job], read.at)[read.job]
    edges = sum(len(statement.edges) for statement in read.statements)
    notes = tuple(read.notes[:_MOST_NOTES])
    # The order of arrival counts: a document from before that comes back later is news, unless it brings its own time.
    earlier = LineageEvent.objects.filter(job=job, format=format).order_by("-event_time", "-pk")
    known = earlier.filter(run_id=digest).first() if format == "dbt" else earlier.first()
    if known is not None and known.run_id == digest:
        return Imported(sha256=known.sha256, new=False, places=len(read.statements), edges=edges, notes=notes)
    body = canonical_json({**kept, "at": read.at.isoformat()})
    event = LineageEvent.objects.create(
        sha256=sha256_hex(body),
        body=body,
        format=format,
        kind="import",
        event_time=read.at,
        run_id=digest,
        job=job,
        sent_by=actor,
        notes=list(notes),
    )
    gone = _gone(read, format)
    apply_statements([*read.statements, *gone], event=event)
    places = ensure_places([place for place, _ in read.schemas], read.at)
    tell_schemas(ToldSchema(places[place].pk, columns, read.at) for place, columns in read.schemas)
    for place, column, tags in read.tags:
        record_tags(actor=actor, place=place, column=column, tags=tags)
    ledger.record(
        actor=actor,
        action=Action.LINEAGE_IMPORTED,
        obj_type="lineage event",
        obj_id=str(event.pk),
        label=read.job.name,
        data={
            "sha256": event.sha256,
            "format": format,
            "places": len(read.statements),
            "edges": edges,
            "ended": sorted(f"{one.place.namespace} {one.place.name}" for one in gone),
        },
    )
    return Imported(sha256=event.sha256, new=True, places=len(read.statements), edges=edges, notes=notes)


def _gone(read: _Read, format: str) -> list[Statement]:
    """What earlier imports of the same project made and this one does not: it is made from nothing any more."""
    made = {(statement.job, statement.place) for statement in read.statements}
    rows = LineageStatement.objects.filter(head=None, until=None, since__lt=read.at, by=format).exclude(edges=None)
    rows = rows.filter(event__job__key=read.job.key).select_related("job", "place").distinct()
    ended = []
    for row in rows:
        job = JobName(row.job.namespace, row.job.name)
        place = PlaceName(row.place.namespace, row.place.name)
        if (job, place) not in made:
            ended.append(Statement(job=job, place=place, at=read.at, by=format))
    return ended
