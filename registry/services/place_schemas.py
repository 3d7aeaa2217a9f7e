"""The schemas that places are told to have, and what follows of them: types of columns, and which are dropped.

All that is kept of a schema is when it was told first and last. What follows is computed from these alone, so that the
order in which schemas arrive does not matter:

- A column is there if no schema without it was told after the last one with it, and dropped otherwise: since the
  first telling of the earliest schema that came after it, or, where the place returned to a schema from before, since
  the column was told of last.
- Its type is that of the latest schema with it.
- A column that no schema ever named, because only lineage tells of it, is never dropped by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from registry.canonical import canonical_json, sha256_hex
from registry.models import LineageColumn, LineageSchema
from registry.services.places import chunks, ensure_columns, update_rows

_LONGEST_TYPE = 200


@dataclass(frozen=True, slots=True)
class ToldSchema:
    """That a place was told to have these columns (``{name: type}``) at a time."""

    place: int
    columns: Mapping[str, str]
    at: datetime

    @property
    def digest(self) -> str:
        """SHA-256 of the columns, whatever their order."""
        return _digest(tuple(sorted(self.columns.items())))


@lru_cache(maxsize=4096)
def _digest(columns: tuple[tuple[str, str], ...]) -> str:
    return sha256_hex(canonical_json(dict(columns)))


def tell_schemas(told: Iterable[ToldSchema]) -> None:
    """Take over schemas of places."""
    listed = list(told)
    known: defaultdict[int, dict[str, LineageSchema]] = defaultdict(dict)
    for part in chunks(sorted({schema.place for schema in listed})):
        for found in LineageSchema.objects.filter(place__in=part).defer("columns"):
            known[found.place_id][found.digest] = found
    bumped: dict[int, LineageSchema] = {}
    changed: set[int] = set()
    for schema in listed:
        rows, digest = known[schema.place], schema.digest
        row = rows.get(digest)
        if row is None:
            rows[digest] = LineageSchema.objects.create(
                place_id=schema.place,
                digest=digest,
                columns=dict(schema.columns),
                first_seen=schema.at,
                last_seen=schema.at,
            )
            changed.add(schema.place)
        elif not row.first_seen <= schema.at <= row.last_seen:
            if schema.at < row.first_seen or any(
                other.last_seen >= row.last_seen for other in rows.values() if other is not row
            ):
                changed.add(schema.place)
            row.first_seen, row.last_seen = min(row.first_seen, schema.at), max(row.last_seen, schema.at)
            bumped[row.pk] = row
    update_rows(LineageSchema, list(bumped.values()), ("first_seen", "last_seen"))
    for place in sorted(changed):
        settle_columns(place)


def settle_columns(place: int) -> None:
    """Make the columns of a place what its schemas say together."""
    schemas = sorted(LineageSchema.objects.filter(place=place), key=lambda row: (row.last_seen, row.digest))
    first: dict[str, datetime] = {}
    last: dict[str, LineageSchema] = {}
    for schema in schemas:
        for name in schema.columns:
            first[name] = min(first.get(name, schema.first_seen), schema.first_seen)
            last[name] = schema
    made: defaultdict[datetime, list[str | None]] = defaultdict(list)
    for name, at in first.items():
        made[at].append(name)
    for at, names in made.items():
        ensure_columns({place: names}, at, whole=LineageColumn.Role.OUT)
    changed = []
    for row in LineageColumn.objects.filter(place=place, role=LineageColumn.Role.COLUMN):
        if row.name not in last:
            continue
        latest = last[row.name]
        dropped = _dropped_at(row.name, latest.last_seen, schemas)
        now = (latest.columns[row.name][:_LONGEST_TYPE], dropped, max(row.first_seen, latest.first_seen))
        if (row.type, row.dropped_at, row.last_seen) != now:
            row.type, row.dropped_at, row.last_seen = now
            changed.append(row)
    update_rows(LineageColumn, changed, ("type", "dropped_at", "last_seen"))


def _dropped_at(name: str, seen: datetime, schemas: Iterable[LineageSchema]) -> datetime | None:
    without = [schema for schema in schemas if schema.last_seen > seen and name not in schema.columns]
    if any(schema.first_seen <= seen for schema in without):
        return seen
    return min((schema.first_seen for schema in without), default=None)
