"""A part of a document from outside, read key by key, so that what is wrong is named by its field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from registry.errors import InvalidInput

_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Part:
    """A value and where it stands, such as ``feature_views[2].source``."""

    value: Any
    field: str = ""

    def refuse(self, message: str) -> NoReturn:
        """Raise :class:`InvalidInput` at this part."""
        raise InvalidInput(f"{self.field}: {message}" if self.field else message, field=self.field or None)

    def at(self, key: str) -> str:
        """The field of a key below."""
        return f"{self.field}.{key}" if self.field else key

    def get(self, *keys: str) -> Part:
        """The part under the first of the keys that is there; of the value None where none is."""
        if not isinstance(self.value, Mapping):
            self.refuse("must be a mapping")
        for key in keys:
            if self.value.get(key) is not None:
                return Part(self.value[key], self.at(key))
        return Part(None, self.at(keys[0]))

    def __bool__(self) -> bool:
        return self.value is not None

    def text(self, *, longest: int = 1000, lines: bool = False) -> str:
        """The value as text, not empty."""
        if not self:
            self.refuse("is required")
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("must be text that is not empty")
        if len(self.value) > longest:
            self.refuse(f"is too long: {len(self.value)}, where {longest} characters are allowed")
        if found := (_UNSTORABLE if lines else _CONTROL).search(self.value):
            self.refuse(f"the character U+{ord(found.group()):04X} cannot stand here")
        return str(self.value)

    def words(self, default: str = "", *, longest: int = 1000, lines: bool = False) -> str:
        """The value as text, or ``default`` where there is none or it is empty."""
        return self.text(longest=longest, lines=lines) if self and self.value != "" else default

    def items(self, *, most: int = 10_000) -> Iterator[Part]:
        """The parts of a list; none where there is no value."""
        if not self:
            return
        if not isinstance(self.value, list):
            self.refuse("must be a list")
        if len(self.value) > most:
            self.refuse(f"is too long: {len(self.value)}, where {most} are allowed")
        for index, value in enumerate(self.value):
            yield Part(value, f"{self.field}[{index}]")

    def entries(self, *, most: int = 20_000) -> Iterator[tuple[str, Part]]:
        """The keys and parts of a mapping; none where there is no value."""
        if not self:
            return
        if not isinstance(self.value, Mapping):
            self.refuse("must be a mapping")
        if len(self.value) > most:
            self.refuse(f"is too long: {len(self.value)}, where {most} are allowed")
        for key, value in self.value.items():
            part = Part(value, self.at(str(key)))
            if not isinstance(key, str) or _CONTROL.search(key):
                part.refuse("is no key")
            yield key, part

    def known(self, keys: frozenset[str]) -> Part:
        """The same, once it is sure that it holds no other keys."""
        for key, part in self.entries():
            if key not in keys:
                part.refuse(f"unknown key; known here: {', '.join(sorted(keys))}")
        return self
