"""Taking datasets in from Croissant descriptions, and describing ours as Croissant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction

from registry.croissant import Described, DescribedVersion, croissant_of
from registry.croissant_import import Imported, read_croissant
from registry.datasheet_terms import current_sheets, sheet_of
from registry.errors import InvalidInput
from registry.models import Dataset, DatasetVersion, DatasheetRevision, Person
from registry.services.datasets import register_dataset, register_dataset_version
from registry.services.datasheets import revise_datasheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a description became; ``unread`` lists what of it has no place here."""

    dataset: Dataset
    revision: DatasheetRevision
    version: DatasetVersion | None
    unread: tuple[str, ...]


@transaction.atomic
def register_from_croissant(*, actor: Person, document: object, slug: str = "") -> Taken:
    """Register the dataset that a Croissant document describes, with its datasheet and version; the actor owns it.

    Raises
    ------
    InvalidInput, Conflict, NotAllowed
        As :func:`registry.croissant_import.read_croissant` and :func:`register_dataset`; nothing is half-written.
    """
    found = read_croissant(document)
    wanted = slug or found.slug
    if not wanted:
        raise InvalidInput("the description has no identifier that could be a slug: name one", field="slug")
    dataset = register_dataset(actor=actor, slug=wanted, name=found.name, source=found.source)
    return _take(actor, dataset, found, dict(found.sheet), base=_latest(dataset))


@transaction.atomic
def revise_from_croissant(*, actor: Person, dataset: Dataset, document: object, base: int) -> Taken:
    """Write what a Croissant document says into the datasheet. What it does not speak of stays as it was.

    Raises
    ------
    InvalidInput, Conflict, NotAllowed
        As :func:`registry.croissant_import.read_croissant` and :func:`revise_datasheet`; nothing is half-written.
    """
    found = read_croissant(document)
    before = current_sheets([dataset.pk]).get(dataset.pk)
    merged = {**(sheet_of(before) if before else {}), **found.sheet}
    return _take(actor, dataset, found, merged, base=base)


def _latest(dataset: Dataset) -> int:
    before = current_sheets([dataset.pk]).get(dataset.pk)
    return before.number if before else 0


def _take(actor: Person, dataset: Dataset, found: Imported, sheet: dict[str, Any], *, base: int) -> Taken:
    revision = revise_datasheet(actor=actor, dataset=dataset, sheet=sheet, base=base)
    version = None
    if found.version is not None:
        stated = found.version
        version = register_dataset_version(
            actor=actor,
            dataset=dataset,
            label=stated.label,
            sha256=stated.sha256,
            rows=stated.rows,
            columns=stated.columns,
            data_until=_day(stated.data_until),
        )
    return Taken(dataset=dataset, revision=revision, version=version, unread=found.unread)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("cs:dataUntil is a day such as 2026-12-31", field="distribution[0].cs:dataUntil") from None


def croissant_document(dataset: Dataset) -> dict[str, Any]:
    """The dataset, its latest datasheet and its newest version with a known content, as Croissant."""
    revision = current_sheets([dataset.pk]).get(dataset.pk)
    version = dataset.versions.filter(sha256__isnull=False).order_by("-created_at", "-pk").first()
    return croissant_of(
        Described(
            slug=dataset.slug,
            name=dataset.name,
            source=dataset.source,
            owner=dataset.owner.printed_name if dataset.owner else "",
            steward=dataset.steward.printed_name if dataset.steward else "",
            url=f"{settings.COUNTERSIGN_URL}/data/{dataset.slug}",
            published=(version.created_at if version else dataset.created_at).date().isoformat(),
            modified=revision.created_at.date().isoformat() if revision else "",
            sheet=sheet_of(revision) if revision else {},
            version=_described(version) if version else None,
        )
    )


def _described(version: DatasetVersion) -> DescribedVersion:
    assert version.sha256 is not None
    return DescribedVersion(
        label=version.label,
        sha256=version.sha256,
        rows=version.rows,
        columns=version.columns,
        data_until=version.data_until.isoformat() if version.data_until else None,
    )
