"""What stands for the content of a table elsewhere, where there is no file to digest. Pure.

The fingerprint is the SHA-256 of canonical JSON of the table's address, its columns with their types, its number of rows, and
four sums over all rows: each row is written as text by the engine, and the four 32-bit words of that text's MD5 are added
up, row by row. So it does not depend on the order of rows, and shows any change that happens by accident, down to one value.
It is of the very rows that were counted on PostgreSQL, which shows one snapshot to all questions of an evaluation; Spark
gives no such promise. It is no proof against somebody who may write the table and means to deceive: sums of MD5 can be forged.
Numbers are written as text differently by different engines; the address names the engine, so fingerprints of two engines
never stand for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audits.engines.port import Origin
from registry.canonical import canonical_json, sha256_hex

WORDS = 4
_HEX = 8


def word_places() -> list[tuple[int, int]]:
    """Where the four words stand in an MD5 in hexadecimal: first character, counted from 1, and length."""
    return [(1 + _HEX * word, _HEX) for word in range(WORDS)]


def origin_of(address: str, columns: Mapping[str, Any], *, rows: int, content: Sequence[Any]) -> Origin:
    """The origin of a table elsewhere.

    Parameters
    ----------
    columns
        Name to type.
    content
        The four sums, or for objects in a store: their names, sizes and tags.
    """
    told = {
        "address": address,
        "columns": [[name, str(type_)] for name, type_ in columns.items()],
        "rows": rows,
        "content": [str(item) if isinstance(item, int) else item for item in content],
    }
    return Origin(path=address, sha256=sha256_hex(canonical_json(told)))
