"""The frames that a sandbox and whoever started it send each other, on both sides of the wall.

A frame is one letter, eight bytes of length, and that many bytes. A conversation is::

    outside                                   inside
    W {walls}                        ->
                                     <-       W                             the walls stand
    S {setup}                        ->
                                     <-       V {hello}                    or X {error}
    C {operation, arguments, batches}->
    A [[column, type], ...]          ->                                    only with batches
    B (Arrow IPC message)            ->       A [[column, type], ...]      only where it answers with batches
    B ...                            ->  <-   B ...                        both ways at the same time
    E                                ->  <-   V {values}                   or X {error}, at any moment

The schema of batches is sent as names and words, not as Arrow metadata, so that only plain types can be said at all.
"""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

WALLS, SETUP, CALL, SCHEMA, BATCH, END, VALUES, ERROR, FILE = (
    b"W",
    b"S",
    b"C",
    b"A",
    b"B",
    b"E",
    b"V",
    b"X",
    b"F",
)

MOST_IN_A_LIST = 65_536

HEADER = struct.Struct("!cQ")

NUMBERS = (
    "float64",
    "float32",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
)
TEXT, LARGE_TEXT, TRUTH, LIST, FIXED_LIST = "text", "large-text", "bool", "list", "fixed-list"


class WireEnded(Exception):
    """The other side closed the conversation."""


def read_exactly(descriptor: int, size: int) -> bytearray:
    """The next ``size`` bytes.

    Raises
    ------
    WireEnded
        If there are fewer.
    """
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        count = os.readv(descriptor, [view[: 1 << 20]])
        if count == 0:
            raise WireEnded
        view = view[count:]
    return buffer


def read_frame(descriptor: int) -> tuple[bytes, bytearray]:
    """The next frame, letter and bytes, from a side that is trusted: lengths are believed."""
    letter, size = HEADER.unpack(read_exactly(descriptor, HEADER.size))
    return letter, read_exactly(descriptor, size)


def write_frame(descriptor: int, letter: bytes, content: Any = b"") -> None:
    """Send one frame; blocks while the other side does not read."""
    view = memoryview(content).cast("B") if len(content) else memoryview(b"")
    _write(descriptor, memoryview(HEADER.pack(letter, len(view))))
    _write(descriptor, view)


def _write(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view[: 1 << 20]) :]


def to_json(value: Any) -> bytes:
    """Plain JSON; numbers that are not finite are refused with :class:`ValueError`."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def type_word(kind: pa.DataType) -> Any:
    """How a column's type is said: a word, or a list for lists of numbers.

    Raises
    ------
    TypeError
        If it is none of numbers, text, truth values and lists of numbers.
    """
    import pyarrow as pa

    if pa.types.is_string(kind):
        return TEXT
    if pa.types.is_large_string(kind):
        return LARGE_TEXT
    if pa.types.is_boolean(kind):
        return TRUTH
    if pa.types.is_fixed_size_list(kind):
        return [FIXED_LIST, _number_word(kind.value_type), kind.list_size]
    if pa.types.is_list(kind):
        return [LIST, _number_word(kind.value_type)]
    return _number_word(kind)


def _number_word(kind: pa.DataType) -> str:
    import pyarrow as pa

    for word in NUMBERS:
        if kind == getattr(pa, word)():
            return word
    message = f"a column of type {kind} cannot be sent: only numbers, text, truth values and lists of numbers are"
    raise TypeError(message)


def type_of(word: Any) -> pa.DataType:
    """The type that is said by a word of :func:`type_word`.

    Raises
    ------
    ValueError
        If it is no such word.
    """
    import pyarrow as pa

    match word:
        case "text":
            return pa.string()
        case "large-text":
            return pa.large_string()
        case "bool":
            return pa.bool_()
        case str() if word in NUMBERS:
            return getattr(pa, word)()
        case ["list", str() as inner] if inner in NUMBERS:
            return pa.list_(getattr(pa, inner)())
        case ["fixed-list", str() as inner, int() as size] if inner in NUMBERS and 1 <= size <= MOST_IN_A_LIST:
            return pa.list_(getattr(pa, inner)(), size)
        case _:
            message = f"{str(word)[:60]!r} is no type of a column"
            raise ValueError(message)


def schema_to_json(schema: pa.Schema) -> bytes:
    """Names and types of columns. Raises :class:`TypeError` for a type that cannot be sent, naming the column."""
    words = []
    for column in schema:
        try:
            words.append([column.name, type_word(column.type)])
        except TypeError as error:
            message = f"{column.name}: {error}"
            raise TypeError(message) from None
    return to_json(words)


def schema_from_json(words: Any) -> pa.Schema:
    """The opposite. Raises :class:`ValueError` if it is not what :func:`schema_to_json` writes, or names a column twice."""
    import pyarrow as pa

    columns = []
    for entry in words if isinstance(words, list) else [words]:
        match entry:
            case [str() as name, word]:
                columns.append(pa.field(name, type_of(word)))
            case _:
                message = "the columns of an answer are a list of names with types"
                raise ValueError(message)
    if len({column.name for column in columns}) < len(columns):
        message = "a column is named twice"
        raise ValueError(message)
    return pa.schema(columns)
