"""What differs between two datasheets, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.datasheet import KEYS, TEXTS

_TITLES = {key: title for key, title, _ in TEXTS} | {
    "collection.method": "Method of collection",
    "collection.period.from": "Collected from",
    "collection.period.until": "Collected until",
    "lawful_basis": "Lawful basis",
    "licence.name": "Licence",
    "licence.url": "Address of the licence",
    "licence.until": "Licence holds until",
    "purposes": "Permitted purposes",
    "retention.until": "Kept until",
    "retention.days": "Kept for days",
    "regions": "Where it may be used",
    "update_rhythm": "Updated",
    "freshness_days": "Fresh for days",
    "is_source": "Nothing upstream of it",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. ``before`` and ``after`` are texts; empty where it was not or is no more there."""

    field: str
    title: str
    before: str
    after: str


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every field that is not the same in both datasheets, as :func:`registry.datasheet.check_datasheet` gives them."""
    before, after = dict(_fields(old)), dict(_fields(new))
    # As a reader meets them: canonical JSON would give them by the alphabet.
    names = sorted({**before, **after}, key=lambda name: (KEYS.index(name.partition(".")[0]), name))
    return [
        Difference(name, _title(name), before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _title(field: str) -> str:
    if field.startswith("columns."):
        return f"Column {field.removeprefix('columns.')}"
    if field.startswith("prohibited."):
        return f"Prohibited for {field.removeprefix('prohibited.')}"
    return _TITLES.get(field, field)


def _fields(sheet: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in sheet.items():
        if key == "columns":
            for name, about in value.items():
                yield f"columns.{name}", " · ".join(filter(None, [about.get("type"), about.get("description")])) or name
        elif key == "prohibited":
            yield from _prohibited(value)
        else:
            yield from _leaves(key, value)


def _prohibited(entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    said: dict[str, list[str]] = {}
    for entry in entries:
        said.setdefault(entry["purpose"], []).append(f"{', '.join(entry['columns'])}: {entry['reason']}")
    for purpose, texts in said.items():
        yield f"prohibited.{purpose}", "\n".join(texts)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    else:
        yield path, str(value)
