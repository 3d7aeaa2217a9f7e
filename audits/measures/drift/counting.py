"""Counts numeric columns of one table: by distinct value where they are few, by exact quantile bins else. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audits.engines.port import ROWS, exactly
from audits.intervals import Floats
from audits.measures.drift.edges import coarse_cuts, coarse_ranks, edges_at, fine_ranks, without_empty
from audits.measures.drift.numbers import Binned, Numbers
from audits.measures.drift.settled import settled
from audits.measures.drift.value_counts import value_counts

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

Step: TypeAlias = Callable[[float], None]


def finite_rows(engine: Engine, numbers: Mapping[str, ibis.Value]) -> dict[str, int]:
    """Rows with a finite number, of all columns in one pass."""
    found = engine.grouped((), {f"c{i}": value.count() for i, value in enumerate(numbers.values())}).columns()
    return {name: int(found[f"c{i}"][0]) for i, name in enumerate(numbers)}


def profile_numbers(
    engine: Engine, numbers: Mapping[str, ibis.Value], *, rows: int, bins: int, step: Step
) -> dict[str, Numbers]:
    """The columns of a reference: their counts, and the bins that other data will be counted by."""
    finite = finite_rows(engine, numbers) if numbers else {}
    found: dict[str, Numbers] = {}
    wide: dict[str, tuple[Floats, list[float]]] = {}
    for place, (name, value) in enumerate(numbers.items()):
        step(place / len(numbers))
        values = _distinct(engine, value)
        if values is not None:
            found[name] = listed(values, rows, bins)
        else:
            wide[name] = _quantile_edges(engine, value, finite[name], bins)
    edges = {name: edges for name, (edges, _) in wide.items()}
    for name, counted in _bin(engine, {name: numbers[name] for name in wide}, edges, rows).items():
        cuts = tuple(without_empty(wide[name][1], counted.binned.edges, counted.binned.counts))
        found[name] = replace(counted, cuts=cuts)
    return {name: found[name] for name in numbers}


def count_numbers(
    engine: Engine, numbers: Mapping[str, ibis.Value], references: Mapping[str, Numbers], *, rows: int, step: Step
) -> dict[str, Numbers]:
    """The same columns of another table, counted as the reference was where that is possible, else by its bins."""
    found: dict[str, Numbers] = {}
    for place, name in enumerate(numbers):
        step(place / len(numbers))
        values = _distinct(engine, numbers[name]) if references[name].binned.atoms else None
        if values is not None:
            found[name] = _moments(values, rows, references[name].edges)
    rest = {name: value for name, value in numbers.items() if name not in found}
    return found | _bin(engine, rest, {name: references[name].edges for name in rest}, rows)


def empty_numbers(rows: int, edges: Floats) -> Numbers:
    """A column of numbers in which no row has one."""
    counted = Binned(np.empty(0), np.zeros(1, dtype=np.int64), atoms=True)
    return Numbers(rows=rows, missing=rows, mean=0.0, deviation=0.0, binned=counted, edges=edges)


def _distinct(engine: Engine, value: ibis.Value) -> Binned | None:
    if engine.disclosure:
        return None
    grouped = value_counts(engine, value)
    if grouped is None:
        return None
    given = [(key, count) for key, count in zip(grouped["value"], grouped[ROWS], strict=True) if key is not None]
    # Negative zero is zero, and engines may disagree on that.
    values, place = np.unique(np.array([key for key, _ in given], dtype=np.float64) + 0.0, return_inverse=True)
    counts = np.bincount(place, weights=[count for _, count in given], minlength=len(values)).astype(np.int64)
    return Binned(values, np.concatenate([[0], counts]), atoms=True)


def listed(counted: Binned, rows: int, bins: int) -> Numbers:
    """A reference whose distinct values are all known: exact, with the bins that follow from them."""
    n = counted.rows
    if not n:
        return empty_numbers(rows, np.empty(0))
    through = np.cumsum(counted.counts[1:])

    def picked(ranks: Sequence[int]) -> list[float]:
        return [float(value) for value in counted.edges[np.searchsorted(through, ranks, side="right")]]

    cuts = coarse_cuts(picked(coarse_ranks(n, bins)), float(counted.edges[0]), float(counted.edges[-1]))
    edges = np.unique(np.concatenate([edges_at(picked(fine_ranks(n))), cuts]))
    cuts = without_empty(cuts, edges, counted.over(edges).counts)
    return replace(_moments(counted, rows, edges), cuts=tuple(cuts))


def _moments(counted: Binned, rows: int, edges: Floats) -> Numbers:
    n = counted.rows
    if not n:
        return empty_numbers(rows, edges)
    share = counted.counts[1:] / n
    mean = float((share * counted.edges).sum())
    deviation = float(np.sqrt((share * (counted.edges - mean) ** 2).sum()))
    return Numbers(rows=rows, missing=rows - n, mean=mean, deviation=deviation, binned=counted, edges=edges)


def _quantile_edges(engine: Engine, value: ibis.Value, finite: int, bins: int) -> tuple[Floats, list[float]]:
    """Exact order statistics: the engine sorts, and gives the values at the wanted ranks only."""
    import ibis

    # Where single rows must not leave the engine, only the few bins are made.
    fine = coarse_ranks(finite, bins) if engine.disclosure else fine_ranks(finite)
    coarse = coarse_ranks(finite, bins)
    ranks = sorted(set(fine) | set(coarse))
    given = engine.table.select(value=value).filter(ibis._.value.notnull())
    ranked = given.mutate(rank=ibis.row_number().over(ibis.window(order_by="value")))
    at = engine.read(ranked.filter(ibis._["rank"].isin(ranks))).to_pydict()
    by_rank = dict(zip(at["rank"], at["value"], strict=True))
    lowest = -np.inf if engine.disclosure else by_rank[0]
    highest = np.inf if engine.disclosure else by_rank[finite - 1]
    cuts = coarse_cuts([by_rank[rank] for rank in coarse], lowest, highest)
    return np.unique(np.concatenate([edges_at([by_rank[rank] for rank in fine]), cuts])), cuts


def _bin(
    engine: Engine, numbers: Mapping[str, ibis.Value], edges: Mapping[str, Floats], rows: int
) -> dict[str, Numbers]:
    """Count by bins, and sum what bins do not tell, for all columns in one pass each."""
    usable = {name: value for name, value in numbers.items() if len(edges[name])}
    if not usable:
        return {name: empty_numbers(rows, edges[name]) for name in numbers}
    counted = engine.histograms({name: (value, edges[name].tolist()) for name, value in usable.items()})
    sums = _sums(engine, usable, edges)
    found: dict[str, Numbers] = {}
    for name, histogram in counted.items():
        counts = np.array(histogram.counts, dtype=np.int64)
        n = int(counts.sum())
        if not n:
            found[name] = empty_numbers(rows, edges[name])
            continue
        mean, deviation, below, above = sums[name]
        found[name] = Numbers(
            rows=rows,
            missing=histogram.missing if not histogram.suppressed else rows - n,
            mean=mean,
            deviation=deviation,
            binned=Binned(edges[name], counts, below, above),
            edges=edges[name],
            suppressed=histogram.suppressed,
        )
    return found | {name: empty_numbers(rows, edges[name]) for name in numbers if name not in usable}


def _sums(
    engine: Engine, numbers: Mapping[str, ibis.Value], edges: Mapping[str, Floats]
) -> dict[str, tuple[float, float, float, float]]:
    """Mean, standard deviation, and how far values lie outside the edges, in units that keep sums small."""
    wanted: dict[str, Any] = {}
    units: dict[str, tuple[float, float]] = {}
    for name in numbers:
        first, last = float(edges[name][0]), float(edges[name][-1])
        units[name] = first / 2 + last / 2, (last / 2 - first / 2) or 1.0
    source = engine.table.select(
        **{
            f"u{i}": (numbers[name] - exactly(units[name][0])) / exactly(units[name][1])
            for i, name in enumerate(numbers)
        }
    )
    for i, name in enumerate(numbers):
        centre, scale = units[name]
        unit = source[f"u{i}"]
        low, high = (exactly((float(edges[name][end]) - centre) / scale) for end in (0, -1))
        wanted |= {
            f"n{i}": unit.count(),
            f"s{i}": unit.sum(),
            f"q{i}": (unit * unit).sum(),
            f"b{i}": (low - unit).sum(where=unit < low),
            f"a{i}": (unit - high).sum(where=unit > high),
        }
    found = {key: column[0] for key, column in engine.grouped((), wanted, of=source).columns().items()}
    result = {}
    for i, name in enumerate(numbers):
        centre, scale = units[name]
        n = found[f"n{i}"]
        if n:
            mean = found[f"s{i}"] / n
            deviation = max(found[f"q{i}"] / n - mean**2, 0.0) ** 0.5
            result[name] = (
                settled(centre + scale * mean),
                settled(scale * deviation),
                settled(scale * (found[f"b{i}"] or 0.0)),
                settled(scale * (found[f"a{i}"] or 0.0)),
            )
    return result
