"""The terms of datasets: read from their latest datasheets, versions and withdrawals, in few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import Exists, Max, OuterRef

from registry.canonical import sha256_hex
from registry.datasheet import counted_from, last_day
from registry.errors import IntegrityFailure
from registry.models import Dataset, DatasetVersion, DatasheetRevision, Person
from registry.terms import Terms

_CHUNK = 500


def terms_of(dataset: Dataset) -> Terms:
    """The terms of one dataset as they are now. See :func:`terms_of_all`."""
    return terms_of_all([dataset])[dataset.slug]


def terms_of_all(datasets: Iterable[Dataset]) -> dict[str, Terms]:
    """The terms of datasets by slug, in a number of queries that does not grow with them.

    Spans count from the latest ``data_until`` of the dataset's versions, else from the end of its collection.

    Raises
    ------
    IntegrityFailure
        If the bytes of a datasheet are not those that were written.
    """
    listed = list(datasets)
    keys = [dataset.pk for dataset in listed]
    sheets = current_sheets(keys)
    reach = _data_until(keys)
    people = _names({pk for dataset in listed for pk in (dataset.owner_id, dataset.steward_id) if pk})
    return {dataset.slug: _terms(dataset, sheets.get(dataset.pk), reach.get(dataset.pk), people) for dataset in listed}


def current_sheets(datasets: Iterable[int]) -> dict[int, DatasheetRevision]:
    """The latest datasheet of each dataset that has one, by the dataset's row number."""
    keys = sorted(set(datasets))
    found: dict[int, DatasheetRevision] = {}
    newer = DatasheetRevision.objects.filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
    for start in range(0, len(keys), _CHUNK):
        rows = DatasheetRevision.objects.filter(~Exists(newer), dataset__in=keys[start : start + _CHUNK])
        found |= {row.dataset_id: row for row in rows}
    return found


def sheet_of(revision: DatasheetRevision) -> dict[str, Any]:
    """The datasheet of a revision, once its bytes are seen to be those that were written."""
    if sha256_hex(bytes(revision.content)) != revision.sha256:
        raise IntegrityFailure(f"the {revision} is not what was written (sha256:{revision.sha256})")
    return revision.sheet


def _data_until(keys: list[int]) -> dict[int, date]:
    found: dict[int, date] = {}
    for start in range(0, len(keys), _CHUNK):
        rows = DatasetVersion.objects.filter(dataset__in=keys[start : start + _CHUNK], data_until__isnull=False)
        for row in rows.values("dataset").annotate(last=Max("data_until")).order_by():
            found[row["dataset"]] = row["last"]
    return found


def _names(keys: set[int]) -> dict[int, str]:
    listed = sorted(keys)
    found: dict[int, str] = {}
    for start in range(0, len(listed), _CHUNK):
        people = Person.objects.filter(pk__in=listed[start : start + _CHUNK])
        found |= {person.pk: person.printed_name for person in people}
    return found


def _terms(
    dataset: Dataset, revision: DatasheetRevision | None, data_until: date | None, people: Mapping[int, str]
) -> Terms:
    sheet = sheet_of(revision) if revision else {}
    begin = counted_from(sheet, data_until)
    prohibited: defaultdict[str, set[str]] = defaultdict(set)
    for entry in sheet.get("prohibited", []):
        prohibited[entry["purpose"]].update(entry["columns"])
    licence, retention = sheet.get("licence", {}), sheet.get("retention", {})
    return Terms(
        slug=dataset.slug,
        name=dataset.name,
        owner=people.get(dataset.owner_id or 0, ""),
        steward=people.get(dataset.steward_id or 0, ""),
        datasheet=revision.sha256 if revision else None,
        licence=licence.get("name", ""),
        licence_until=licence.get("until"),
        withdrawn_at=dataset.withdrawn_at.isoformat() if dataset.withdrawn_at else None,
        withdrawn_reason=dataset.withdrawn_reason,
        purposes=tuple(sheet.get("purposes", ())),
        prohibited={purpose: tuple(sorted(columns)) for purpose, columns in sorted(prohibited.items())},
        retention_until=retention.get("until") or last_day(begin, retention.get("days")),
        regions=tuple(sheet.get("regions", ())),
        fresh_until=last_day(begin, sheet.get("freshness_days")),
        lawful_basis=sheet.get("lawful_basis", ""),
        is_source=sheet.get("is_source", False),
    )
