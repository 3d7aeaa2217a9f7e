"""Batches that come out of a sandbox, looked at before Arrow reads them. Pure of Django."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH = 3
_MOST_ROWS = 1 << 26


class Malformed(ValueError):
    """It is no batch that can be read; the message says in what."""


def read_batch(content: bytearray, schema: pa.Schema) -> pa.RecordBatch:
    """One batch of a known schema from one Arrow IPC message.

    Raises
    ------
    Malformed
        If it is compressed, points outside itself, has other columns, or holds values that its types do not allow.
    """
    import pyarrow as pa

    try:
        rows = _check_envelope(content)
    except (struct.error, IndexError, ValueError) as error:
        message = f"a batch cannot be read: {error}"
        raise Malformed(message) from None
    try:
        batch = pa.ipc.read_record_batch(pa.py_buffer(content), schema)
        batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"a batch cannot be read: {str(error)[:200]}"
        raise Malformed(message) from None
    if batch.num_rows != rows:
        message = "a batch has another number of rows than it says"
        raise Malformed(message)
    return batch


def _check_envelope(content: bytearray) -> int:
    """The number of rows that it says, if everything that it names lies within it and nothing is compressed."""
    mark, size = struct.unpack_from("<II", content, 0)
    if mark != _CONTINUATION or 8 + size > len(content):
        message = "it is no Arrow message"
        raise Malformed(message)
    metadata = _Table.root(memoryview(content)[8 : 8 + size])
    body = len(content) - 8 - size
    if metadata.number(1, "<B") != _RECORD_BATCH or metadata.number(3, "<q") != body:
        message = "it is no batch of the size that it says"
        raise Malformed(message)
    batch = metadata.table(2)
    rows = batch.number(0, "<q")
    if not 0 <= rows <= _MOST_ROWS:
        message = f"it says that it has {rows} rows"
        raise Malformed(message)
    if batch.has(3):
        message = "it is compressed"
        raise Malformed(message)
    for length, empty in batch.pairs(1):
        if not (0 <= length <= 8 * max(body, 1) + _MOST_ROWS and 0 <= empty <= length):
            message = f"a column of it says that it has {length} values"
            raise Malformed(message)
    for start, length in batch.pairs(2):
        if start < 0 or length < 0 or start + length > body:
            message = "a column of it lies outside of it"
            raise Malformed(message)
    return rows


class _Table:
    """A table of the flat form that Arrow writes its metadata in: fields found through a table of offsets."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._fields = position - struct.unpack_from("<i", data, position)[0]
        if not 0 <= self._fields < len(data):
            message = "its metadata are broken"
            raise Malformed(message)
        self._size = struct.unpack_from("<H", data, self._fields)[0]

    @classmethod
    def root(cls, data: memoryview) -> _Table:
        return cls(data, _at(data, 0))

    def _field(self, index: int) -> int:
        place = 4 + 2 * index
        if place + 2 > self._size:
            return 0
        offset: int = struct.unpack_from("<H", self._data, self._fields + place)[0]
        return offset and self._position + offset

    def has(self, index: int) -> bool:
        return self._field(index) != 0

    def number(self, index: int, form: str) -> int:
        field = self._field(index)
        return int(struct.unpack_from(form, self._data, field)[0]) if field else 0

    def table(self, index: int) -> _Table:
        field = self._field(index)
        if not field:
            message = "a part of its metadata is missing"
            raise Malformed(message)
        return _Table(self._data, _at(self._data, field))

    def pairs(self, index: int) -> list[tuple[int, int]]:
        """A vector of pairs of 64 bit numbers."""
        field = self._field(index)
        if not field:
            return []
        start = _at(self._data, field)
        count = struct.unpack_from("<I", self._data, start)[0]
        if start + 4 + 16 * count > len(self._data):
            message = "its metadata are broken"
            raise Malformed(message)
        return [struct.unpack_from("<qq", self._data, start + 4 + 16 * number) for number in range(count)]


def _at(data: memoryview, position: int) -> int:
    place = position + struct.unpack_from("<I", data, position)[0]
    if not 0 <= place < len(data):
        message = "its metadata are broken"
        raise Malformed(message)
    return int(place)
