"""The datasheet of a dataset: its keys, what each may hold, and what differs between two. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from registry.errors import InvalidInput
from registry.terms import ANY_PURPOSE

LONGEST_TEXT = 20_000
LONGEST_LINE = 500
LONGEST_LIST = 200
LONGEST_SCHEMA = 5_000
LONGEST_SPAN = 36_525
"""Days; a hundred years."""

# Texts that people write, in reading order: key, title, what belongs there. After "Datasheets for Datasets" (Gebru et
# al. 2021) and the responsible-AI vocabulary of Croissant.
TEXTS = (
    ("description", "Description", "What one row is, how many there are, whom or what they are about."),
    ("motivation", "Why it was made", "For which task, by whom, with whose money."),
    ("terms_of_use", "Terms of use", "What the licence or agreement asks of us, in words."),
    ("preparation", "Preparation", "Cleaning, filling of gaps, derived values; whether the raw data are kept."),
    ("labelling", "Labelling", "Who gave the labels, by which instructions, how well they agree."),
    ("missing_data", "Missing data", "What is missing, where, and why."),
    ("biases", "Known biases", "Who is over- or under-represented, measured worse, or left out."),
    ("limitations", "Limitations", "What it should not be used for, whatever is permitted."),
    ("personal_information", "Personal and sensitive information", "Which, of whom, and how they are protected."),
    ("social_impact", "Impact on people", "What can come of its use for those whom it is about."),
    ("uses", "Known uses", "Where it was used, and what came of it."),
    ("maintenance", "Maintenance", "Who corrects errors, how, and for how long; how erasure is done."),
    ("contact", "Contact", "Whom to ask."),
    ("citation", "Citation", "How to cite it."),
)
TEXT_KEYS = tuple(key for key, _, _ in TEXTS)

LAWFUL_BASES = (
    "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests",
    "no-personal-data",
)  # fmt: skip
"""Article 6(1) GDPR (a) to (f), and that it does not apply."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_REGION = re.compile(r"[A-Z]{2,10}(-[A-Z0-9]{1,10})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

Check = Callable[[Any, str], Any]


def check_datasheet(document: object) -> dict[str, Any]:
    """The datasheet as it is kept: texts stripped, what is empty left out, sets in order.

    Raises
    ------
    InvalidInput
        Naming the field as a path, such as ``licence.url`` or ``prohibited[0].columns``, and what it wants.
    """
    sheet: dict[str, Any] = _mapping(document, "", _KEYS)
    period = sheet.get("collection", {}).get("period", {})
    if not period and ("freshness_days" in sheet or "days" in sheet.get("retention", {})):
        field = "freshness_days" if "freshness_days" in sheet else "retention.days"
        message = f"{field} counts from the last day of the data: state collection.period as well"
        raise InvalidInput(message, field="collection.period.until")
    return sheet


def _mapping(value: object, path: str, keys: Mapping[str, Check]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(path or "datasheet", "is a mapping")
    unknown = sorted(str(key) for key in value if key not in keys)
    if unknown:
        field = f"{path}.{unknown[0]}" if path else unknown[0]
        raise InvalidInput(f"a datasheet has no {field}; known here: {', '.join(keys)}", field=field)
    made = {}
    for key, check in keys.items():
        if key not in value:
            continue
        kept = check(value[key], f"{path}.{key}" if path else key)
        if kept is not None and kept not in ("", [], {}):
            made[key] = kept
    return made


def _wrong(path: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"{path} {wanted}", field=path)


def _said(value: object, path: str, longest: int, *, lines: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(path, "is a text")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > longest:
        raise _wrong(path, f"has at most {longest} characters")
    if _CONTROL.search(text) or (not lines and "\n" in text) or (not lines and "\t" in text):
        raise _wrong(path, "holds characters that cannot be shown" if lines else "is one line")
    return text


def _text(value: object, path: str) -> str:
    return _said(value, path, LONGEST_TEXT, lines=True)


def _line(value: object, path: str) -> str:
    return _said(value, path, LONGEST_LINE, lines=False)


def _day(value: object, path: str) -> str:
    text = _line(value, path)
    if not text:
        return ""
    try:
        known = date.fromisoformat(text)
    except ValueError:
        raise _wrong(path, "is a day such as 2026-12-31") from None
    if known.isoformat() != text:
        raise _wrong(path, "is a day such as 2026-12-31")
    return text


def _url(value: object, path: str) -> str:
    text = _line(value, path)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text
    except ValueError:
        sound = False
    if text and not sound:
        raise _wrong(path, "is an address that begins with https:// or http://")
    return text


def _span(value: object, path: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_SPAN:
        raise _wrong(path, f"is a whole number of days, 1 to {LONGEST_SPAN}")
    return value


def _flag(value: object, path: str) -> bool | None:
    if not isinstance(value, bool):
        raise _wrong(path, "is true or false")
    return value or None


def _slug(value: object, path: str) -> str:
    text = _line(value, path)
    if text and _SLUG.fullmatch(text) is None:
        raise _wrong(path, "is a word of small letters, digits, - and _, such as mortgage-underwriting")
    return text


def _purpose(value: object, path: str) -> str:
    if value == ANY_PURPOSE:
        return ANY_PURPOSE
    text = _slug(value, path)
    if not text:
        raise _wrong(path, "is the purpose of a use case, or * for every one")
    return text


def _region(value: object, path: str) -> str:
    text = _line(value, path)
    if _REGION.fullmatch(text) is None:
        raise _wrong(path, "is a region in capitals, such as EU, US or US-NY")
    return text


def column_name(value: object, path: str) -> str:
    """A column's name: one line, not empty, kept as it is."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_LINE:
        raise _wrong(path, f"is a column's name of 1 to {LONGEST_LINE} characters")
    if _CONTROL.search(value) or set(value) & set("\n\t"):
        raise _wrong(path, "is a column's name in one line")
    return value


def _several(item: Check) -> Check:
    def check(value: object, path: str) -> list[Any]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise _wrong(path, "is a list")
        if len(value) > LONGEST_LIST:
            raise _wrong(path, f"has at most {LONGEST_LIST} entries")
        return sorted({item(entry, f"{path}[{index}]") for index, entry in enumerate(value)})

    return check


def _collection(value: object, path: str) -> dict[str, Any]:
    return _mapping(value, path, {"method": _text, "period": _period})


def _period(value: object, path: str) -> dict[str, Any]:
    period = _mapping(value, path, {"from": _day, "until": _day})
    if period.get("from", "") > period.get("until", "9999-12-31"):
        raise _wrong(f"{path}.until", "is not before the day on which it begins")
    return period


def _licence(value: object, path: str) -> dict[str, Any]:
    licence = _mapping(value, path, {"name": _line, "url": _url, "until": _day})
    if licence and "name" not in licence:
        raise _wrong(f"{path}.name", "names the licence or agreement")
    return licence


def _retention(value: object, path: str) -> dict[str, Any]:
    retention = _mapping(value, path, {"until": _day, "days": _span})
    if len(retention) > 1:
        raise _wrong(f"{path}.days", "and until exclude each other: say one of them")
    return retention


def _prohibited(value: object, path: str) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _wrong(path, "is a list of {purpose, columns, reason}")
    if len(value) > LONGEST_LIST:
        raise _wrong(path, f"has at most {LONGEST_LIST} entries")
    made = []
    for index, entry in enumerate(value):
        here = f"{path}[{index}]"
        kept = _mapping(entry, here, {"purpose": _purpose, "columns": _several(column_name), "reason": _text})
        for key, wanted in (
            ("purpose", "is a purpose, or * for every one"),
            ("columns", "names at least one column"),
            ("reason", "says why"),
        ):
            if key not in kept:
                raise _wrong(f"{here}.{key}", wanted)
        made.append(kept)
    return made


def _columns(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(path, "is a mapping from column to {description, type}")
    if len(value) > LONGEST_SCHEMA:
        raise _wrong(path, f"has at most {LONGEST_SCHEMA} columns")
    made = {}
    for name, about in value.items():
        here = f"{path}.{name}"
        made[column_name(name, here)] = _mapping(about, here, {"type": _line, "description": _text})
    return made


_KEYS: dict[str, Check] = dict.fromkeys(TEXT_KEYS, _text) | {
    "collection": _collection,
    "lawful_basis": _slug,
    "licence": _licence,
    "purposes": _several(_purpose),
    "prohibited": _prohibited,
    "retention": _retention,
    "regions": _several(_region),
    "update_rhythm": _line,
    "freshness_days": _span,
    "is_source": _flag,
    "columns": _columns,
}


KEYS = tuple(_KEYS)
"""The keys of a datasheet."""


def counted_from(sheet: Mapping[str, Any], data_until: date | None) -> date | None:
    """The last day of the data: the newest stated of a version, else the end (or else begin) of the collection."""
    if data_until is not None:
        return data_until
    period = sheet.get("collection", {}).get("period", {})
    day = period.get("until") or period.get("from")
    return date.fromisoformat(day) if day else None


def last_day(begin: date | None, days: int | None) -> str | None:
    """The ISO day ``days`` after ``begin``; None where no span is asked.

    Raises
    ------
    InvalidInput
        If a span is asked and nobody said from when it counts.
    """
    if days is None:
        return None
    if begin is None:
        raise InvalidInput("a span counts from the last day of the data, and nobody said which that is")
    try:
        return (begin + timedelta(days=days)).isoformat()
    except OverflowError:
        return date.max.isoformat()
