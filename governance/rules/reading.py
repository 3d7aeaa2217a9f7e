"""Reads plain JSON objects key by key, strictly, and names the path of what is wrong. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from registry.canonical import is_sha256
from registry.errors import InvalidInput

_LARGEST = sys.float_info.max


class Reader:
    """One JSON object. Every key must be read once; :meth:`done` refuses those that nobody asked for.

    Every method raises :class:`~registry.errors.InvalidInput` with the path when the key is absent or of another type.
    """

    def __init__(self, data: object, path: str) -> None:
        self._path = path
        if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
            raise InvalidInput(f"{path or 'the facts'} must be an object", field=path or None)
        self._data: Mapping[str, Any] = data
        self._read: set[str] = set()

    def path(self, key: str) -> str:
        """The path of ``key``, such as ``measurements[3].low``."""
        return f"{self._path}.{key}" if self._path else key

    def names(self) -> list[str]:
        """The keys there are."""
        return list(self._data)

    def items(self) -> Iterator[tuple[str, Reader]]:
        """Every key with its value as an object."""
        for key in self._data:
            yield key, self.object(key)

    def done(self) -> None:
        """Refuse keys that were not read."""
        for key in self._data:
            if key not in self._read:
                raise InvalidInput(f"{self.path(key)} is not known", field=self.path(key))

    def _take(self, key: str) -> Any:
        if key not in self._data:
            raise InvalidInput(f"{self.path(key)} is missing", field=self.path(key))
        self._read.add(key)
        return self._data[key]

    def _refuse(self, key: str, wanted: str) -> NoReturn:
        raise InvalidInput(f"{self.path(key)} must be {wanted}", field=self.path(key))

    def object(self, key: str) -> Reader:
        """An object."""
        return Reader(self._take(key), self.path(key))

    def object_or_none(self, key: str) -> Reader | None:
        """An object, or null."""
        return None if self._take(key) is None else self.object(key)

    def objects(self, key: str) -> list[Reader]:
        """A list of objects."""
        value = self._take(key)
        if not isinstance(value, list | tuple):
            self._refuse(key, "a list")
        return [Reader(item, f"{self.path(key)}[{index}]") for index, item in enumerate(value)]

    def text(self, key: str) -> str:
        """Text."""
        value = self._take(key)
        if not isinstance(value, str):
            self._refuse(key, "text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """Text, or null."""
        return None if self._take(key) is None else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self._refuse(key, "a list of texts")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of ``choices``."""
        value = self.text(key)
        if value not in choices:
            self._refuse(key, f"one of {', '.join(choices)}" if choices else "absent: there are no evaluations")
        return value

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            self._refuse(key, "true or false")
        return value

    def digest(self, key: str) -> str:
        """A SHA-256 as 64 lowercase hexadecimal digits."""
        value = self.text(key)
        if not is_sha256(value):
            self._refuse(key, "64 lowercase hexadecimal digits")
        return value

    def digest_or_none(self, key: str) -> str | None:
        """A SHA-256, or null."""
        return None if self._take(key) is None else self.digest(key)

    def integer(self, key: str) -> int:
        """A whole number, 0 or more."""
        value = self.number(key)
        if value < 0 or value != int(value):
            self._refuse(key, "a whole number, 0 or more")
        return int(value)

    def integer_or_none(self, key: str) -> int | None:
        """A whole number, or null."""
        return None if self._take(key) is None else self.integer(key)

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
            self._refuse(key, "a finite number")
        return value

    def number_or_none(self, key: str) -> float | None:
        """A finite number, or null."""
        return None if self._take(key) is None else self.number(key)

    def moment(self, key: str) -> datetime:
        """An ISO 8601 time with its offset, as UTC."""
        value = self.text(key)
        try:
            moment = datetime.fromisoformat(value)
            in_utc = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self._refuse(key, "an ISO 8601 time")
        if moment.tzinfo is None:
            self._refuse(key, "a time with its offset, such as 2026-11-21T06:00:00Z")
        return in_utc

    def moment_or_none(self, key: str) -> datetime | None:
        """A time, or null."""
        return None if self._take(key) is None else self.moment(key)
