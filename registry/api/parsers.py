"""Request bodies: strict JSON, raw bytes that are never read into memory, and YAML handed on as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from registry.canonical import parse_json
from registry.errors import InvalidInput

MAX_JSON_BYTES = 2_500_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_capped(stream: IO[bytes], limit: int) -> bytes:
    """Read at most ``limit`` bytes; more is a :class:`ParseError`."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise ParseError(f"the body is larger than {limit} bytes")
    return data


def _refuse_unstorable(value: Any) -> None:
    """No database holds NUL, and no UTF-8 a lone surrogate: what JSON can say in escapes is refused here, once."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if found := _UNSTORABLE.search(item):
                raise ParseError(f"the body holds the character U+{ord(found.group()):04X}, which cannot be recorded")
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item


class StrictJSONParser(BaseParser):
    """JSON with duplicate keys, NaN and infinities refused, and a cap on size."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body; an empty body is an empty object."""
        data = read_capped(stream, MAX_JSON_BYTES)
        if not data.strip():
            return {}
        try:
            parsed = parse_json(data.decode("utf-8"), what="the body")
        except UnicodeDecodeError as error:
            raise ParseError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
        except InvalidInput as error:
            raise ParseError(error.message) from error
        _refuse_unstorable(parsed)
        return parsed


class YAMLTextParser(BaseParser):
    """A YAML body, handed on as bytes: the manifest and policy modules parse it themselves, safely."""

    media_type = "application/yaml"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The raw bytes."""
        return read_capped(stream, 1_000_000)


class RawStreamParser(BaseParser):
    """Artifact bytes: handed on as the stream itself."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The stream, unread."""
        return stream
