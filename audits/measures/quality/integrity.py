"""Referential integrity: whether the values of a column are in a column of other data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audits.engines.port import ROWS
from audits.measures.quality.digests import common_kind, digest_of_value, found_in, read_digests, text_of
from audits.measures.quality.profile import valued

if TYPE_CHECKING:
    from audits.engines.port import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """Of a column's values, by row: how many there are, and how many of them the reference data hold.

    ``problem`` says why it cannot be told; it is empty where it can.
    """

    values: int = 0
    held: int = 0
    problem: str = ""


def check_integrity(engine: Engine, column: str, reference: Engine, other: str) -> Integrity:
    """Count the rows whose value in ``column`` the ``reference`` holds in its column ``other``.

    Rows without a value are not counted. Only digests of distinct values leave either engine.
    """
    if column not in engine.columns:
        return Integrity(problem="not there")
    if other not in reference.columns:
        return Integrity(problem=f"the reference data have no column {other!r}")
    if engine.disclosure or reference.disclosure:
        return Integrity(problem="the disclosure threshold holds back the values to compare, their digests too")
    kind = common_kind(engine.columns[column], reference.columns[other])
    if kind is None:
        return Integrity(
            problem=f"{engine.columns[column]} cannot be compared with {reference.columns[other]} in the reference data"
        )
    parts = [digests[:, 0] for digests, _ in _digests(reference, other, kind)]
    known = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)
    values = held = 0
    for digests, rows in _digests(engine, column, kind):
        values += int(rows.sum())
        held += int(rows[found_in(digests[:, 0], known)].sum())
    return Integrity(values=values, held=held)


def _digests(engine: Engine, column: str, kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    import ibis

    value = valued(engine.table, column)
    table = engine.table.mutate(_t=text_of(engine.table, column, kind)).filter(value.notnull())
    grouped = table.group_by("_t").aggregate(**{ROWS: ibis._.count()})
    chosen = grouped.select(ROWS, _d=digest_of_value(0, grouped["_t"]))
    return [
        (digests, batch.column(ROWS).to_numpy(zero_copy_only=False))
        for digests, batch in read_digests(engine, chosen, ["_d"])
    ]
