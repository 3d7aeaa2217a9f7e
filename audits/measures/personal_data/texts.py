"""Distinct values as arrays: their bytes, what kinds of characters they hold, and digests that order them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Digests: TypeAlias = npt.NDArray[np.uint64]

DIGIT, UPPER, LOWER, SPACE, AT, DOT, DASH, COLON = (np.uint16(1 << bit) for bit in range(8))
SLASH, PLUS, WIDE, CONTROL, DOLLAR, OTHER, BRACKET = (np.uint16(1 << bit) for bit in range(8, 15))
LETTER = UPPER | LOWER
"""Kinds of characters; ``BRACKET`` is a round one, ``WIDE`` whatever is not ASCII."""

_HASHED_AT_ONCE, _HASHED_OF_EACH = 1 << 20, 1 << 12
_MASK = (1 << 64) - 1


def _table() -> npt.NDArray[np.uint16]:
    table = np.full(256, OTHER, dtype=np.uint16)
    for characters, kind in {
        "0123456789": DIGIT,
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ": UPPER,
        "abcdefghijklmnopqrstuvwxyz": LOWER,
        " ": SPACE,
        "@": AT,
        ".": DOT,
        "-": DASH,
        ":": COLON,
        "/": SLASH,
        "+": PLUS,
        "()": BRACKET,
        "$": DOLLAR,
    }.items():
        table[[ord(character) for character in characters]] = kind
    table[:32] = CONTROL
    table[127] = CONTROL
    table[128:] = WIDE
    return table


_KINDS = _table()


@dataclass(frozen=True, slots=True)
class Texts:
    """Distinct values of one column, each with the rows that hold it.

    Attributes
    ----------
    strings
        Arrow texts, none missing or empty.
    rows
        int64, rows per value.
    kinds
        uint16, the kinds of characters in each value, as bits.
    digits
        int64, ASCII digits in each value.
    sizes
        int64, bytes of each value.
    """

    strings: pa.Array
    rows: Ints
    kinds: npt.NDArray[np.uint16]
    digits: Ints
    sizes: Ints

    def __len__(self) -> int:
        return len(self.strings)

    @classmethod
    def of(cls, strings: pa.Array, rows: Ints) -> Texts:
        """Look at every byte once."""
        kinds, digits, sizes = characters(strings)
        return cls(strings=strings, rows=rows, kinds=kinds, digits=digits, sizes=sizes)

    def where(self, kept: Bools) -> Texts:
        """Some of the values."""
        return Texts(
            self.strings.filter(pa.array(kept)), self.rows[kept], self.kinds[kept], self.digits[kept], self.sizes[kept]
        )

    def only(self, allowed: np.uint16) -> Bools:
        """Which values hold no characters but the allowed kinds."""
        return np.asarray((self.kinds & ~np.uint16(allowed)) == 0)

    def all_of(self, needed: np.uint16) -> Bools:
        """Which values hold at least one character of every kind."""
        return np.asarray((self.kinds & needed) == needed)


def flat(strings: pa.Array) -> tuple[Bytes, Ints]:
    """The bytes of all texts one after another, and where each starts (with the end of the last)."""
    buffers = strings.buffers()
    starts = np.frombuffer(buffers[1], dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data = np.frombuffer(buffers[2], dtype=np.uint8) if buffers[2] is not None else np.zeros(0, dtype=np.uint8)
    return data[: starts[-1]], starts.astype(np.int64)


def characters(strings: pa.Array) -> tuple[npt.NDArray[np.uint16], Ints, Ints]:
    """The kinds of characters in each text, the number of digits, and the size in bytes."""
    kinds = np.zeros(len(strings), dtype=np.uint16)
    digits = np.zeros(len(strings), dtype=np.int64)
    if not len(strings):
        return kinds, digits, digits.copy()
    data, starts = flat(strings)
    sizes = np.diff(starts)
    filled = sizes > 0
    if filled.any():
        at = starts[:-1][filled]
        classes = _KINDS[data]
        kinds[filled] = np.bitwise_or.reduceat(classes, at)
        digits[filled] = np.add.reduceat((classes & DIGIT).astype(np.int32), at)
    return kinds, digits, sizes


def matrix(strings: pa.Array, chosen: Ints, length: int) -> Bytes:
    """The bytes of the chosen texts, all ``length`` bytes long: shape (chosen, length)."""
    data, starts = flat(strings)
    return np.asarray(data[starts[chosen][:, None] + np.arange(length)])


def mixed(values: Digests) -> Digests:
    """The finaliser of splitmix64: spreads close numbers over the whole range."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_LETTERS = mixed(np.arange(1, 257, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
_BASE = 0x9E3779B97F4A7C15 | 1


def digests(strings: pa.Array) -> Digests:
    """A 64-bit polynomial digest of each text: the same everywhere and always, and no secret.

    ``Σ T[byte_i] · B^i`` modulo 2^64 with a fixed table of 256 words, then mixed. It only chooses and
    counts values. Of texts above 4,096 bytes the rest does not count.
    """
    if len(strings) and int(np.diff(flat(strings)[1]).max()) > _HASHED_OF_EACH:
        strings = pc.binary_slice(strings.cast(pa.binary()), 0, _HASHED_OF_EACH)
    parts = [_digests_of(part) for part in pieces(strings, _HASHED_AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _digests_of(strings: pa.Array) -> Digests:
    data, starts = flat(strings)
    sizes = np.diff(starts)
    result = np.zeros(len(strings), dtype=np.uint64)
    filled = sizes > 0
    if filled.any():
        at = starts[:-1][filled]
        used = data[starts[0] :]
        within = np.arange(len(used)) - np.repeat(starts[:-1] - starts[0], sizes)
        terms = _LETTERS[used] * _powers(int(sizes.max()))[within]
        result[filled] = np.add.reduceat(terms, at - starts[0])
    return mixed(result + sizes.astype(np.uint64))


def _powers(count: int) -> Digests:
    steps = np.full(count, _BASE & _MASK, dtype=np.uint64)
    steps[:1] = 1
    return np.multiply.accumulate(steps)


def pieces(strings: pa.Array, size: int) -> Iterable[pa.Array]:
    """The texts in consecutive pieces of about ``size`` bytes."""
    if not len(strings):
        return
    _, starts = flat(strings)
    first = 0
    while first < len(strings):
        last = int(np.searchsorted(starts, starts[first] + size, side="right")) - 1
        last = min(max(last, first + 1), len(strings))
        yield strings.slice(first, last - first)
        first = last
