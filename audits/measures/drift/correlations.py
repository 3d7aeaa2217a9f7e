"""Correlations among the numeric columns of a data set, from sums that the engine makes, and how they changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.engines.port import exactly
from audits.intervals import Floats, critical_value
from audits.measures.drift.settled import settled

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

MOST_COLUMNS = 100
_LEAST_ROWS = 4
_MOST_SURE = 1 - 1e-12
_PAIRS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Correlations:
    """Winsorised Pearson correlations.

    Attributes
    ----------
    clips
        Column to the limits at which its values were cut, the same for every data set that is compared.
    values
        (k, k) in the order of ``clips``; NaN where a column does not vary.
    rows
        (k, k) rows in which both are there.
    """

    clips: Mapping[str, tuple[float, float]]
    values: Floats
    rows: Floats


@dataclass(frozen=True, slots=True)
class Change:
    """How one correlation changed: current minus reference, with limits that hold for all pairs at once."""

    first: str
    second: str
    reference: float
    current: float
    low: float
    high: float
    rows: int

    @property
    def value(self) -> float:
        """Current minus reference."""
        return self.current - self.reference

    @property
    def size_limits(self) -> tuple[float, float]:
        """Limits of the absolute change."""
        return max(self.low, -self.high, 0.0), max(self.high, -self.low)


def correlate(
    engine: Engine, numbers: Mapping[str, ibis.Value], clips: Mapping[str, tuple[float, float]], whole: Sequence[str]
) -> Correlations:
    """Correlate columns of one table.

    Parameters
    ----------
    numbers
        Column to its finite number, missing where it has none.
    clips
        Column to the limits at which values are cut (the reference's 1st and 99th percentile), so that a few far values
        neither make nor hide a change, and Fisher's interval holds: Wilcox, R. (2017), "Introduction to Robust Estimation
        and Hypothesis Testing", section 9.3.3.
    whole
        Columns without missing values.

    Notes
    -----
    ``r = Σ zᵢ zⱼ / n`` over the rows where both are there, with each column standardised over its own rows: Pearson's
    correlation where nothing is missing. The engine returns sums of products only.
    """
    names = list(clips)
    place = {name: f"c{i}" for i, name in enumerate(names)}
    centre, scale = _units(clips)
    source = engine.table.select(
        **{place[name]: _unit(numbers[name], clips[name], centre[name], scale[name]) for name in names}
    )
    partial = [name for name in names if name not in whole]
    wanted = _sums(names, place, partial)
    found: dict[str, Any] = {}
    keys = list(wanted)
    for start in range(0, len(keys), _PAIRS_AT_ONCE):
        some = {key: wanted[key] for key in keys[start : start + _PAIRS_AT_ONCE]}
        found |= {key: column[0] for key, column in engine.grouped((), some, of=source).columns().items()}
    return _from_sums(names, clips, found, partial)


def _units(clips: Mapping[str, tuple[float, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """A centre and a scale per column that keep the sums of squares near the number of rows, whatever the unit."""
    centre = {name: low / 2 + high / 2 for name, (low, high) in clips.items()}
    scale = {name: (high / 2 - low / 2) or 1.0 for name, (low, high) in clips.items()}
    return centre, scale


def _unit(number: ibis.Value, clip: tuple[float, float], centre: float, scale: float) -> ibis.Value:
    import ibis

    low, high = ((limit - centre) / scale for limit in clip)
    unit = (number - exactly(centre)) / exactly(scale)
    # A comparison with nothing is not true, so that what is missing stays so; engines' LEAST and GREATEST disagree on it.
    return ibis.cases((unit < exactly(low), exactly(low)), (unit > exactly(high), exactly(high)), else_=unit)


def _sums(names: Sequence[str], place: Mapping[str, str], partial: Sequence[str]) -> dict[str, Any]:
    import ibis

    wanted: dict[str, Any] = {}
    for i, name in enumerate(names):
        own = ibis._[place[name]]
        wanted |= {f"s{i}": own.sum(), f"q{i}": (own * own).sum(), f"n{i}": own.count()}
        for j in range(i):
            product = own * ibis._[place[names[j]]]
            wanted[f"p{i}_{j}"] = product.sum()
            if name in partial and names[j] in partial:
                wanted[f"m{i}_{j}"] = product.count()
        if name in partial:
            # A product's centring needs what the other column sums up to in this column's rows.
            for j, other in enumerate(names):
                if j != i:
                    wanted[f"t{j}_{i}"] = ibis.ifelse(own.isnull(), 0.0, ibis._[place[other]]).sum()
    return wanted


def _from_sums(
    names: Sequence[str],
    clips: Mapping[str, tuple[float, float]],
    found: Mapping[str, Any],
    partial: Sequence[str],
) -> Correlations:
    k = len(names)
    rows, values = np.zeros((k, k)), np.full((k, k), np.nan)
    n = np.array([float(found[f"n{i}"] or 0) for i in range(k)])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.array([float(found[f"s{i}"] or 0) for i in range(k)]) / n
        variance = np.array([float(found[f"q{i}"] or 0) for i in range(k)]) / n - mean**2
    varies = variance > 1e-12  # noqa: PLR2004 - in units of the clip's half width: rounding alone
    for i in range(k):
        for j in range(i):
            both = found.get(f"m{i}_{j}", min(n[i], n[j]))
            rows[i, j] = rows[j, i] = both
            if both and varies[i] and varies[j]:
                of_i = found[f"t{i}_{j}"] if names[j] in partial else found[f"s{i}"]
                of_j = found[f"t{j}_{i}"] if names[i] in partial else found[f"s{j}"]
                centred = found[f"p{i}_{j}"] - mean[j] * of_i - mean[i] * of_j + both * mean[i] * mean[j]
                value = settled(float(centred / both / np.sqrt(variance[i] * variance[j])))
                values[i, j] = values[j, i] = min(max(value, -1.0), 1.0)
    return Correlations(dict(clips), values, rows)


def changes(reference: Correlations, current: Correlations, confidence: float) -> list[Change]:
    """Every pair of columns that varies on both sides, the largest change first.

    Notes
    -----
    Each correlation's limits on Fisher's scale, ``tanh(atanh r ± z / √(n − 3))`` with z for all pairs at once (Šidák),
    and the limits of the difference from those of its parts: Zou, G. (2007), Psychological Methods 12, 399–413.
    """
    names = list(current.clips)
    at = {name: i for i, name in enumerate(reference.clips)}
    pairs = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[:i]):
            a, b = at[first], at[second]
            one, two = reference.values[a, b], current.values[i, j]
            sizes = reference.rows[a, b], current.rows[i, j]
            if np.isfinite(one) and np.isfinite(two) and min(sizes) >= _LEAST_ROWS:
                pairs.append((second, first, float(one), float(two), *sizes))
    z = critical_value(confidence, len(pairs))
    found = [_change(*pair, z=z) for pair in pairs]
    return sorted(found, key=lambda change: (-abs(change.value), change.first, change.second))


def _change(first: str, second: str, one: float, two: float, rows_one: float, rows_two: float, *, z: float) -> Change:
    (low1, high1), (low2, high2) = _fisher(one, rows_one, z), _fisher(two, rows_two, z)
    value = two - one
    low = value - float(np.hypot(two - low2, high1 - one))
    high = value + float(np.hypot(high2 - two, one - low1))
    return Change(first, second, one, two, max(low, -2.0), min(high, 2.0), int(rows_one + rows_two))


def _fisher(value: float, rows: float, z: float) -> tuple[float, float]:
    centre, half = np.arctanh(np.clip(value, -_MOST_SURE, _MOST_SURE)), z / np.sqrt(max(rows - 3, 1.0))
    return min(float(np.tanh(centre - half)), value), max(float(np.tanh(centre + half)), value)
