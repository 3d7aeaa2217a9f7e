"""Reading JSON that others wrote: every refusal names the path of what is wrong and says what is wanted. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.canonical import canonical_json
from registry.errors import InvalidInput

DEEPEST = 64
_LARGEST_INT = 2**53 - 1
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_SHOWN = 60


def below(path: str, key: str | int) -> str:
    """The path of what stands under ``key``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.match(key) else f"{path}[{json.dumps(key[:_LONGEST_SHOWN])}]"


def refuse(path: str, wanted: str) -> InvalidInput:
    """The error that says at which path what is wanted."""
    return InvalidInput(f"{path}: {wanted}", field=path)


def _shape(value: Any) -> tuple[bool, bool]:
    """Whether ``value`` is nested too deeply, and whether its numbers are plain: whole, and none beyond RFC 8785."""
    level, depth, plain = [value], 0, True
    while level and depth <= DEEPEST:
        below_it: list[Any] = []
        for item in level:
            for part in item.values() if isinstance(item, dict) else item:
                kind = type(part)
                if kind is dict or kind is list:
                    below_it.append(part)
                elif kind is float or (kind is int and not -_LARGEST_INT <= part <= _LARGEST_INT):
                    plain = False
        level, depth = below_it, depth + 1
    return bool(level), plain


def _find_unstorable(value: Any) -> None:
    """Raise for what no database holds (NUL, lone surrogates) and what is nested too deeply to be walked over."""
    waiting = [(value, "$", 0)]
    while waiting:
        item, path, depth = waiting.pop()
        if isinstance(item, str):
            if found := _UNSTORABLE.search(item):
                raise refuse(path, f"holds the character U+{ord(found.group()):04X}, which cannot be recorded")
        elif isinstance(item, dict | list):
            if depth >= DEEPEST:
                raise refuse(path, f"nested more than {DEEPEST} levels deep")
            if isinstance(item, list):
                waiting += [(part, f"{path}[{index}]", depth + 1) for index, part in enumerate(item)]
                continue
            for key, part in item.items():
                if found := _UNSTORABLE.search(key):
                    raise refuse(path, f"a key holds the character U+{ord(found.group()):04X}")
                waiting.append((part, below(path, key), depth + 1))


def canonical_event(event: Any) -> bytes:
    """The bytes to keep of an event: canonical JSON; merely sorted where it holds numbers beyond RFC 8785.

    Raises
    ------
    InvalidInput
        With the path of a text that no database holds, or of what is nested deeper than :data:`DEEPEST`.
    """
    mapping(event, "$")
    deep, plain = _shape(event)
    if deep:
        _find_unstorable(event)
    try:
        sorted_text = json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Where all numbers are plain integers and no key can sort differently as UTF-16, this is RFC 8785 already, and
        # many times quicker than the general way.
        made = sorted_text.encode() if plain and sorted_text.isascii() else canonical_json(event)
    except (InvalidInput, UnicodeEncodeError):
        _find_unstorable(event)
        # Facets that we do not read may hold 64-bit integers; they are no reason to refuse an event.
        return sorted_text.encode()
    if b"\\u0000" in made:
        _find_unstorable(event)
    return made


def mapping(value: Any, path: str) -> Mapping[str, Any]:
    """``value`` as an object."""
    if not isinstance(value, dict):
        raise refuse(path, f"is to be an object, not {_shown(value)}")
    return value


def sequence(value: Any, path: str, *, most: int) -> list[Any]:
    """``value`` as an array of at most ``most`` items."""
    if not isinstance(value, list):
        raise refuse(path, f"is to be an array, not {_shown(value)}")
    if len(value) > most:
        raise refuse(path, f"has {len(value)} items; at most {most} are read")
    return value


def items(holder: Mapping[str, Any], key: str, path: str, *, most: int) -> list[tuple[Any, str]]:
    """The items of an optional array with their paths; none where it is absent or null."""
    value = holder.get(key)
    if value is None:
        return []
    at = below(path, key)
    return [(item, f"{at}[{index}]") for index, item in enumerate(sequence(value, at, most=most))]


def text(holder: Mapping[str, Any], key: str, path: str, *, longest: int = 1000) -> str:
    """A text that has to be there and not be empty."""
    value = holder.get(key)
    if not isinstance(value, str) or not value:
        wanted = "is wanted and missing" if value is None else f"is to be a text that is not empty, not {_shown(value)}"
        raise refuse(below(path, key), wanted)
    if len(value) > longest:
        raise refuse(below(path, key), f"has {len(value)} characters; at most {longest} are kept")
    return value


def optional_text(holder: Mapping[str, Any], key: str, path: str) -> str:
    """A text, empty where it is absent or null."""
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise refuse(below(path, key), f"is to be a text, not {_shown(value)}")
    return value or ""


def flag(holder: Mapping[str, Any], key: str, path: str) -> bool:
    """True or false; false where it is absent or null."""
    value = holder.get(key)
    if value is not None and not isinstance(value, bool):
        raise refuse(below(path, key), f"is to be true or false, not {_shown(value)}")
    return bool(value)


def moment(holder: Mapping[str, Any], key: str, path: str) -> tuple[datetime, bool]:
    """A time in UTC, and whether its zone was missing (it is taken as UTC then)."""
    said = text(holder, key, path, longest=100)
    try:
        found = datetime.fromisoformat(said)
        # An offset can carry a time beyond the calendar.
        return (found.replace(tzinfo=UTC), True) if found.tzinfo is None else (found.astimezone(UTC), False)
    except (ValueError, OverflowError) as error:
        raise refuse(below(path, key), "is to be a time in ISO 8601, such as 2026-11-21T09:30:00Z") from error


def check_not_ahead(at: datetime, now: datetime, path: str) -> None:
    """Refuse a time that lies more than a day ahead: what is said "later" than everything else could never be replaced."""
    if at > now + timedelta(days=1):
        raise refuse(path, f"lies in the future ({at.isoformat()}); the clock of the sender is wrong")


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "an array",
        dict: "an object",
    }
    return "an empty text" if value == "" else names[type(value)]
