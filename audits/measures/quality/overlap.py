"""Overlap of training and test data: rows that are in both, and test rows that have a near twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audits.measures.quality.digests import (
    Digests,
    common_kind,
    digest_of_row,
    digest_of_value,
    found_in,
    near_text_of,
    read_digests,
    text_of,
)
from audits.measures.quality.profile import NUMBERS, valued
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

NEAR_SHARE = 0.01
"""Numbers are near if they round to the same hundredth of the training data's standard deviation."""

LEAST_NEAR_COLUMNS = 4
_MOST_WORK = 100_000_000
_FILTER_BITS = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Test rows found in the training data.

    Attributes
    ----------
    columns
        The columns that both have, in which rows are compared.
    rows, found
        Test rows looked at, and how many of them were found.
    note
        What was compared, or why it was not.
    """

    columns: tuple[str, ...] = ()
    rows: int = 0
    found: int = 0
    note: str = ""


def shared_columns(train: Engine, test: Engine) -> dict[str, str]:
    """Columns that both tables have to the kind in which they are compared.

    Raises
    ------
    InvalidInput
        If there are none.
    """
    kinds = {
        name: kind
        for name, mine in train.columns.items()
        if name in test.columns and (kind := common_kind(mine, test.columns[name])) is not None
    }
    if not kinds:
        raise InvalidInput("the test data share no column with the data: there is nothing to compare", field="test")
    return kinds


def exact_overlap(train: Engine, test: Engine, kinds: dict[str, str], rows: tuple[int, int]) -> Overlap:
    """Count the test rows that are, in all shared columns, in the training data too.

    Parameters
    ----------
    rows
        Rows of the training and of the test data. The digests of the smaller table are held in memory, eight bytes a row;
        those of the larger one stream past.
    """
    columns = tuple(kinds)
    note = _compared(train, test, kinds)
    if rows[0] <= rows[1]:
        known = _all_digests(train, kinds)
        found = sum(int(found_in(part[:, 0], known).sum()) for part in _row_digests(test, kinds))
        return Overlap(columns=columns, rows=rows[1], found=found, note=note)
    mine = _all_digests(test, kinds)
    values, counts = np.unique(mine, return_counts=True)
    hit = np.zeros(len(values), dtype=np.bool_)
    for part in _row_digests(train, kinds):
        here = part[:, 0]
        hit[np.searchsorted(values, here[found_in(here, values)])] = True
    return Overlap(columns=columns, rows=rows[1], found=int(counts[hit].sum()), note=note)


def near_overlap(
    train: Engine,
    test: Engine,
    kinds: dict[str, str],
    rows: tuple[int, int],
    *,
    sample: int,
    step: Callable[[float], None],
) -> Overlap:
    """Count the test rows that have a near twin among the training rows: alike in all shared columns but at most one.

    Numbers are alike if they round to the same hundredth of a standard deviation, texts if they differ in case and outer
    spaces only, anything else if equal. Of larger test data a sample of ``sample`` rows is looked at, always the same.

    Notes
    -----
    With the digest ``h_i`` of each column (its place mixed in) and their sum H modulo 2^64, rows alike in all columns but i
    share ``H − h_i``: one pass over the training data looks every such number up among those of the test rows.
    """
    columns = tuple(kinds)
    if len(columns) < LEAST_NEAR_COLUMNS:
        return Overlap(columns=columns, note=f"needs at least {LEAST_NEAR_COLUMNS} shared columns, not {len(columns)}")
    if rows[0] * len(columns) > _MOST_WORK:
        most = _MOST_WORK // len(columns)
        return Overlap(columns=columns, note=f"not looked for among more than {most:,} rows of {len(columns)} columns")
    units = _units(train, kinds)
    mine = _without_one(_near_sample(test, kinds, units, sample))
    looked_up = np.unique(mine)
    hit = np.zeros(len(looked_up), dtype=np.bool_)
    likely = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
    mask = np.uint64(len(likely) - 1)
    likely[looked_up & mask] = True
    done = 0
    for part in _near_parts(train, train.table, kinds, units):
        numbers = _without_one(part).ravel()
        numbers = numbers[likely[numbers & mask]]
        hit[np.searchsorted(looked_up, numbers[found_in(numbers, looked_up)])] = True
        done += len(part)
        step(done / max(rows[0], 1))
    found = int(hit[np.searchsorted(looked_up, mine)].any(axis=1).sum())
    note = (
        f"alike in all of {len(columns)} shared columns but at most one; numbers to a hundredth of a standard deviation, "
        "texts without case and outer spaces"
    )
    if len(mine) < rows[1]:
        note += f"; of a sample of {len(mine):,} test rows"
    return Overlap(columns=columns, rows=len(mine), found=found, note=note)


def _compared(train: Engine, test: Engine, kinds: dict[str, str]) -> str:
    note = f"rows alike in all of {len(kinds)} shared columns"
    left_out = sorted((set(train.columns) | set(test.columns)) - set(kinds))
    if left_out:
        note += f"; not compared: {', '.join(left_out)}"
    families = {engine.name.split()[0] for engine in (train, test)}
    if len(families) > 1 and "number" in kinds.values():
        note += "; the two engines may write a fraction differently, so rows with fractions can be missed"
    return note


def _row_digest(table: ibis.Table, kinds: dict[str, str]) -> ibis.Value:
    return digest_of_row({name: text_of(table, name, kind) for name, kind in kinds.items()})


def _row_digests(engine: Engine, kinds: dict[str, str]) -> Iterator[Digests]:
    table = engine.table.select(_d=_row_digest(engine.table, kinds))
    return (part for part, _ in read_digests(engine, table, ["_d"]))


def _all_digests(engine: Engine, kinds: dict[str, str]) -> Digests:
    parts = [part[:, 0] for part in _row_digests(engine, kinds)]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)


def _units(train: Engine, kinds: dict[str, str]) -> dict[str, float]:
    """How wide a step of each column of numbers is, to two digits, so that all engines agree on it."""
    import ibis

    measures = {}
    numbers = [name for name, kind in kinds.items() if kind in NUMBERS]
    for place, name in enumerate(numbers):
        value = valued(train.table, name).cast("float64")
        bounded = ibis.ifelse(value.isinf(), ibis.null("float64"), value)
        measures[f"s_{place}"] = bounded.std(how="pop")
    found = train.grouped(measures=measures).columns()
    spreads = {name: found[f"s_{place}"][0] for place, name in enumerate(numbers)}
    return {name: float(f"{spread * NEAR_SHARE:.1e}") if spread else 1.0 for name, spread in spreads.items()}


def _near_parts(engine: Engine, table: ibis.Table, kinds: dict[str, str], units: dict[str, float]) -> Iterator[Digests]:
    """The digests of rows, by column, of the table or a part of it."""
    texts = [near_text_of(table, name, kind, units.get(name, 1.0)) for name, kind in kinds.items()]
    named = {f"_d{place}": digest_of_value(place, text) for place, text in enumerate(texts)}
    return (part for part, _ in read_digests(engine, table.select(**named), list(named)))


def _near_sample(engine: Engine, kinds: dict[str, str], units: dict[str, float], sample: int) -> Digests:
    """The digests by column of the ``sample`` rows whose own digests are the smallest."""
    table = engine.table.mutate(_row=_row_digest(engine.table, kinds))
    parts = list(_near_parts(engine, table.order_by("_row").limit(sample), kinds, units))
    return np.concatenate(parts) if parts else np.empty((0, len(kinds)), dtype=np.uint64)


def _without_one(digests: Digests) -> Digests:
    """Per row, the sum of the digests of all columns but one, for each column."""
    rest: Digests = digests.sum(axis=1, dtype=np.uint64, keepdims=True) - digests
    return rest
