"""YAML from strangers: the JSON-like part of YAML 1.2, bounded in size and depth, without surprises. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from registry.errors import InvalidInput

_LARGEST_INTEGER = 2**53 - 1
_LONGEST_NUMBER = 40
_LONGEST_SHOWN = 60

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where the wheel carries it: linear, and some thirty times faster than the one in Python."""


def load_yaml(data: bytes, *, what: str, max_bytes: int = 1_000_000, max_depth: int = 40) -> Any:
    """Parse one YAML document into dicts, lists, text, numbers, booleans and None.

    Plain scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): only ``true`` and
    ``false`` are booleans (``yes``, ``no``, ``on``, ``off`` are text), dates are text, and so is a number with leading
    zeros, which would lose them. Quoted scalars are always text.

    Parameters
    ----------
    data
        The bytes as received; UTF-8, with or without a byte order mark.
    what
        How messages call the document, such as ``policy`` or a file name.
    max_bytes, max_depth
        Largest size, and deepest nesting of lists and mappings.

    Raises
    ------
    InvalidInput
        For anything else: another encoding, malformed YAML, anchors and aliases, tags, merge keys, several documents,
        an empty document, duplicate or non-text keys, NaN, infinities, integers beyond 2**53 - 1, too large, too deep.
        The message says what and where; ``details`` hold ``line`` and ``column`` (from 1) where there is a place.
    """
    if len(data) > max_bytes:
        raise InvalidInput(f"{what} is {len(data):,} bytes long; at most {max_bytes:,} are accepted")
    builder = _Builder(what, max_depth)
    try:
        for event in _events(_decode(data, what)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.refuse(error.problem or str(error), error.problem_mark or error.context_mark)
    except yaml.YAMLError as error:
        raise InvalidInput(f"{what} is not valid YAML: {' '.join(str(error).split())}") from error
    return builder.document()


def _decode(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise InvalidInput(
            f"{what} is not UTF-8: byte {data[error.start]:#04x} in line {line}; save it as UTF-8",
            line=line,
            column=column,
        ) from error


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=_LOADER)


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not yet ended."""

    value: Any
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Puts parse events together, without recursion, refusing what is not wanted as soon as it shows."""

    def __init__(self, what: str, max_depth: int) -> None:
        self._what = what
        self._max_depth = max_depth
        self._open: list[_Open] = []
        self._documents = 0
        self._root: Any = None

    def refuse(self, problem: str, mark: Any) -> NoReturn:
        """Raise :class:`InvalidInput` that points at ``mark``."""
        if mark is None:
            raise InvalidInput(f"{self._what}: {problem}")
        line, column = mark.line + 1, mark.column + 1
        raise InvalidInput(f"{self._what}, line {line}, column {column}: {problem}", line=line, column=column)

    def document(self) -> Any:
        """Return what the events made."""
        if not self._documents:
            raise InvalidInput(f"{self._what} is empty")
        return self._root

    def take(self, event: yaml.Event) -> None:
        """Add one parse event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self.refuse("a second document begins here; one file holds one document", event.start_mark)
        elif isinstance(event, yaml.AliasEvent):
            self.refuse("aliases (*name) are not accepted; write the value out", event.start_mark)
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _take_node(self, event: Any) -> None:
        if event.anchor is not None:
            self.refuse("anchors (&name) are not accepted; write the value out", event.start_mark)
        if event.tag is not None:
            self.refuse(f"tags are not accepted: {_shown(event.tag)}", event.start_mark)
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._take_key(parent, event)
            return
        self._place(parent, self._value(event))

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if len(self._open) >= self._max_depth:
            self.refuse(f"nested more than {self._max_depth} deep", event.start_mark)
        return {} if isinstance(event, yaml.MappingStartEvent) else []

    def _place(self, parent: _Open | None, value: Any) -> None:
        if parent is None:
            self._root = value
        elif isinstance(parent.value, list):
            parent.value.append(value)
        else:
            parent.value[parent.key] = value
            parent.key = None
        if isinstance(value, dict | list):
            self._open.append(_Open(value))

    def _take_key(self, parent: _Open, event: Any) -> None:
        if not hasattr(event, "value"):
            self.refuse("a key must be text, not a list or mapping", event.start_mark)
        key = self._scalar(event)
        if not isinstance(key, str):
            self.refuse(f"a key must be text: put {_shown(event.value)} in quotes", event.start_mark)
        if key == "<<" and event.implicit[0]:
            self.refuse("merge keys (<<) are not accepted; write the values out", event.start_mark)
        if key in parent.seen:
            self.refuse(f"duplicate key {_shown(key)}, first in line {parent.seen[key]}", event.start_mark)
        parent.seen[key] = event.start_mark.line + 1
        parent.key = key

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEAN:
            return _BOOLEAN[text]
        if _NOT_FINITE.fullmatch(text):
            self.refuse(f"{text} is not a number that can be recorded", event.start_mark)
        if _DECIMAL.fullmatch(text) or _PREFIXED.fullmatch(text):
            return self._integer(event)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self.refuse(f"{_shown(text)} is too large for a number; quote it to keep it as text", event.start_mark)
            return number
        return text

    def _integer(self, event: Any) -> int:
        text: str = event.value
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        number = int(text, base) if len(text) <= _LONGEST_NUMBER else None
        if number is None or abs(number) > _LARGEST_INTEGER:
            self.refuse(f"{_shown(text)} is too large for an integer; quote it to keep it as text", event.start_mark)
        return number


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")
