"""Request bodies: strict JSON, raw bytes that are never read into memory, and YAML handed on as text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from registry.canonical import parse_json
from registry.errors import InvalidInput

MAX_JSON_BYTES = 2_500_000
MAX_EVENT_BYTES = 10_000_000
_PART = 65_536
_GZIP = 16 + zlib.MAX_WBITS
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


class TooLarge(APIException):
    """The body is larger than what is read, before or after it is inflated."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"


def inflate(data: bytes, limit: int) -> bytes:
    """The content of a gzip file; never more than ``limit`` bytes of it are made, whatever it claims to hold.

    Raises
    ------
    TooLarge
        If there is more.
    ParseError
        If it is no gzip, broken, or cut off.
    """
    made = bytearray()
    while data:
        member = zlib.decompressobj(_GZIP)
        waiting = data
        try:
            while not member.eof and waiting:
                made += member.decompress(waiting, min(_PART, limit + 1 - len(made)))
                waiting = member.unconsumed_tail
                if len(made) > limit:
                    raise TooLarge(f"the body is larger than {limit} bytes when it is inflated")
        except zlib.error as error:
            raise ParseError(f"the body is not gzip, as Content-Encoding says: {error}") from error
        if not member.eof:
            raise ParseError("the body is cut off in the middle of its gzip")
        data = member.unused_data
    return bytes(made)


class EventParser(BaseParser):
    """JSON of lineage events, plain or as gzip (``Content-Encoding``); what they may hold is said by who reads them."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body."""
        data = stream.read(MAX_EVENT_BYTES + 1)
        if len(data) > MAX_EVENT_BYTES:
            raise TooLarge(f"the body is larger than {MAX_EVENT_BYTES} bytes")
        encoding = parser_context["request"].headers.get("Content-Encoding", "") if parser_context else ""
        if encoding.strip().lower() in {"gzip", "x-gzip"}:
            data = inflate(data, MAX_EVENT_BYTES)
        elif encoding.strip().lower() not in {"", "identity"}:
            raise UnsupportedMediaType(encoding, detail="Content-Encoding is to be gzip, or absent")
        try:
            return parse_json(data.decode("utf-8"), what="the body")
        except UnicodeDecodeError as error:
            raise ParseError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
        except InvalidInput as error:
            raise ParseError(error.message) from error


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
