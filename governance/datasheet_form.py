"""The datasheet as a plain form: every field as text, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.datasheet import LAWFUL_BASES, TEXTS

_ABOUT = {key: (title, hint) for key, title, hint in TEXTS}
_BAR, _COMMA = "|", ","
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANS = {"n": "\n", "s": " "}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the path in the datasheet is its name. ``kind`` is line, text, day, number, check or rows."""

    name: str
    title: str
    hint: str = ""
    kind: str = "line"
    choices: tuple[str, ...] = ()


def _texts(*keys: str) -> tuple[Field, ...]:
    return tuple(Field(key, *_ABOUT[key], kind="text") for key in keys)


GROUPS: tuple[tuple[str, tuple[Field, ...]], ...] = (
    (
        "What it is",
        (
            *_texts("description", "motivation"),
            Field("is_source", "Nothing upstream of it", "Lineage may end here: we cannot know what it was made from.", "check"),
            Field("update_rhythm", "Updated", "Such as daily, or never."),
        ),
    ),
    (
        "May it be used",
        (
            Field("purposes", "Permitted purposes", "Purposes of use cases, with commas between; * is every one. None permits none."),
            Field("lawful_basis", "Lawful basis", "As in article 6 GDPR, or an own word.", choices=LAWFUL_BASES),
            Field("licence.name", "Licence or agreement"),
            Field("licence.url", "Address of the licence", "https://…"),
            Field("licence.until", "Licence holds until", "The last day; empty is without end.", "day"),
            *_texts("terms_of_use"),
            Field("prohibited", "Prohibited columns",
                  "One line for each: purpose | columns, with commas between | why. The purpose * is every one.", "rows"),
            Field("regions", "Where it may be used", "Such as EU, US-NY, with commas between; empty is anywhere."),
            Field("retention.until", "Kept until", "The last day; empty is without end.", "day"),
            Field("retention.days", "Or kept for days", "Counted from the last day of the data.", "number"),
            Field("freshness_days", "Fresh for days", "Counted from the last day of the data; empty asks for no freshness.", "number"),
        ),
    ),
    (
        "How it was collected",
        (
            Field("collection.method", "Method of collection", "How, by whom, from whom, with whose knowledge.", "text"),
            Field("collection.period.from", "Collected from", kind="day"),
            Field("collection.period.until", "Collected until", kind="day"),
            *_texts("preparation", "labelling", "missing_data"),
        ),
    ),
    ("Columns", (Field("columns", "Columns", "One line for each: name | type | what it means.", "rows"),)),
    (
        "What to know before using it",
        _texts("biases", "limitations", "personal_information", "social_impact", "uses", "maintenance", "contact", "citation"),
    ),
)  # fmt: skip
FIELDS = tuple(field for _, fields in GROUPS for field in fields)
_LISTS = ("purposes", "regions")


def form_of(sheet: Mapping[str, Any]) -> dict[str, str]:
    """The text of every field, as people edit it."""
    texts = {}
    for field in FIELDS:
        value: Any = sheet
        for key in field.name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        texts[field.name] = _shown(field, value)
    return texts


def _shown(field: Field, value: Any) -> str:
    if value is None:
        return ""
    if field.kind == "check":
        return "on"
    if field.name in _LISTS:
        return ", ".join(value)
    if field.name == "prohibited":
        return "\n".join(
            " | ".join([entry["purpose"], ", ".join(_escape(name, _COMMA) for name in entry["columns"]), _escape(entry["reason"])])
            for entry in value
        )  # fmt: skip
    if field.name == "columns":
        return "\n".join(_column_line(name, about) for name, about in value.items())
    return str(value)


def _column_line(name: str, about: Mapping[str, str]) -> str:
    parts = [_escape(name), _escape(about.get("type", "")), _escape(about.get("description", ""))]
    while not parts[-1]:
        parts.pop()
    return " | ".join(parts)


def sheet_of_form(texts: Mapping[str, str]) -> dict[str, Any]:
    """The datasheet that the texts make; not checked yet."""
    sheet: dict[str, Any] = {}
    for field in FIELDS:
        value = _read(field, texts.get(field.name, ""))
        if value in (None, "", [], {}):
            continue
        here, *path = field.name.split(".")
        at = sheet
        for key in path:
            at = at.setdefault(here, {})
            here = key
        at[here] = value
    return sheet


def _read(field: Field, text: str) -> Any:
    said = text.strip()
    if field.kind == "check":
        return bool(said)
    if field.kind == "number":
        return int(said) if said.isascii() and said.isdigit() and len(said) < len(str(2**31)) else said
    if field.name in _LISTS:
        return [item.strip() for item in said.split(",") if item.strip()]
    if field.name == "prohibited":
        return [_prohibited(line) for line in _lines(text)]
    if field.name == "columns":
        return dict(_column(line) for line in _lines(text))
    return said


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def _prohibited(line: str) -> dict[str, Any]:
    purpose, columns, reason = _parts(line, _BAR, 3)
    names = [_plain(name.strip()) for name in _split(columns, _COMMA)]
    return {"purpose": purpose, "columns": [name for name in names if name], "reason": _plain(reason)}


def _column(line: str) -> tuple[str, dict[str, str]]:
    name, kind, description = _parts(line, _BAR, 3)
    return _plain(name), {"type": _plain(kind), "description": _plain(description)}


def _parts(line: str, mark: str, wanted: int) -> list[str]:
    """``wanted`` parts; what is too much belongs to the last, what is not there is empty."""
    parts = _split(line, mark)
    parts = [*parts[: wanted - 1], mark.join(parts[wanted - 1 :])]
    return [part.strip() for part in [*parts, *[""] * wanted][:wanted]]


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that no backslash stands before."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == mark:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def _escape(text: str, *marks: str) -> str:
    made = text.replace("\\", "\\\\").replace("\n", "\\n")
    for mark in (_BAR, *marks):
        made = made.replace(mark, f"\\{mark}")
    # Spaces at the ends would be taken for those around the marks.
    inner = made.strip(" ")
    before = len(made) - len(made.lstrip(" "))
    return "\\s" * before + inner + "\\s" * (len(made) - before - len(inner))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANS.get(found.group(1), found.group(1)), text)


def field_of_error(path: str | None) -> str:
    """The form's field that an error of the datasheet is about; empty where it is about none."""
    names = [field.name for field in FIELDS]
    said = re.sub(r"\[\d+\]", "", path or "")
    return max((name for name in names if said == name or said.startswith(f"{name}.")), key=len, default="")
