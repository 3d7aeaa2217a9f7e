"""How far one column moved: every distance with what its interval is made of, the test, and the bins behind them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from audits.intervals import Floats, critical_value
from audits.measures.drift.distances import (
    Counts,
    Estimate,
    bias_corrected_v,
    cramers_v_squared,
    jensen_shannon_divergence,
    population_stability_index,
)
from audits.measures.drift.edges import merged
from audits.measures.drift.limits import debiased_limits, ks_limits, quantile_of
from audits.measures.drift.numbers import Numbers, aligned, kolmogorov_smirnov, noise_of, wasserstein
from audits.measures.drift.sides import Categories
from audits.measures.drift.significance import chi_square_p_value, ks_p_value, psi_p_value

MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance on a column, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin or category: its name, its limits where it has any, and the rows on both sides."""

    name: str
    low: float | None
    high: float | None
    reference: int
    current: int


@dataclass(frozen=True, slots=True)
class Functions:
    """What follows from the distribution functions of a numeric column.

    Attributes
    ----------
    ks, ks_error
        The Kolmogorov–Smirnov statistic, and how much larger it may be for being counted in bins.
    moved, moved_error
        The Wasserstein-1 distance in the column's unit, and how far off it may be for the same reason.
    draws, spread
        Of its sampling error: bootstrap draws, and the standard error of the difference of means.
    unit
        Standard deviation of the reference.
    """

    rows: tuple[int, int]
    ks: float
    ks_error: float
    moved: float
    moved_error: float
    draws: Floats
    spread: float
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One column, compared.

    Attributes
    ----------
    failure
        Why it could not be compared; then there is nothing else.
    psi, divergence, v
        Estimates of the stability index, the Jensen–Shannon divergence and (categories) the square of Cramér's V.
    functions
        Of numbers, if both sides have any.
    p_value, test
        Of the hypothesis that nothing changed, before correction for the number of columns.
    """

    name: str
    role: str
    kind: str
    failure: str = ""
    rows: tuple[int, int] = (0, 0)
    missing: tuple[int, int] = (0, 0)
    psi: Estimate | None = None
    divergence: Estimate | None = None
    v: Estimate | None = None
    functions: Functions | None = None
    p_value: float | None = None
    test: str = ""
    psi_p_value: float | None = None
    bins: tuple[Bin, ...] = ()
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    note: str = ""

    @property
    def n(self) -> int:
        """Rows of both sides."""
        return sum(self.rows)

    def psi_limits(self, z: float) -> Distance:
        """The stability index with its interval."""
        assert self.psi is not None
        return Distance(self.psi.value, *debiased_limits(self.psi, z))

    def js_limits(self, z: float) -> Distance:
        """The Jensen–Shannon distance, the square root of the divergence, with its interval."""
        assert self.divergence is not None
        low, high = debiased_limits(self.divergence, z, highest=1.0)
        return Distance(sqrt(self.divergence.value), sqrt(low), sqrt(high))

    def v_limits(self, z: float) -> Distance:
        """Cramér's V, corrected for bias, with its interval."""
        assert self.v is not None
        value = bias_corrected_v(self.v, len(self.bins), self.n)
        low, high = debiased_limits(self.v, z, highest=1.0)
        return Distance(value, min(sqrt(low), value), max(sqrt(high), value))

    def ks_limits(self, confidence: float) -> Distance:
        """The Kolmogorov–Smirnov statistic, with its interval widened by the error of binning."""
        assert self.functions is not None
        low, high = ks_limits(self.functions.ks, *self.functions.rows, confidence)
        return Distance(self.functions.ks, low, min(high + self.functions.ks_error, 1.0))

    def moved_limits(self, confidence: float) -> Distance | None:
        """The Wasserstein distance in standard deviations of the reference; None if that has none and the values moved."""
        f = self.functions
        assert f is not None
        if f.unit <= 0 or not np.isfinite(f.unit) or not np.isfinite(f.moved):
            return Distance(0.0, 0.0, 0.0) if f.moved == 0 else None
        half = max(quantile_of(f.draws, confidence), critical_value(confidence) * f.spread) + f.moved_error
        return Distance(f.moved / f.unit, max(f.moved - half, 0.0) / f.unit, (f.moved + half) / f.unit)


def compare_numbers(name: str, role: str, reference: Numbers, current: Numbers, *, seed: int) -> ColumnDrift:
    """Compare a numeric column."""
    if reference.suppressed or current.suppressed:
        held = reference.suppressed + current.suppressed
        return ColumnDrift(
            name=name, role=role, kind="number", failure=f"{held} bins hold too few rows to be given out"
        )
    cuts = reference.cuts
    first, second = (_by_cuts(side, cuts) for side in (reference, current))
    bins = [
        Bin(_range(low, high), low, high, int(a), int(b))
        for low, high, a, b in zip((None, *cuts), (*cuts, None), first, second, strict=True)
    ]
    if reference.missing or current.missing:
        bins.append(Bin(MISSING, None, None, reference.missing, current.missing))
    functions = _functions(reference, current, seed) if reference.finite and current.finite else None
    p_value, test = _number_test(reference, current, functions)
    return ColumnDrift(
        name=name,
        role=role,
        kind="number",
        missing=(reference.missing, current.missing),
        functions=functions,
        p_value=p_value,
        test=test,
        bins=tuple(bins),
        note=_number_note(functions),
        **_common(bins),  # type: ignore[arg-type]
    )


def compare_categories(name: str, role: str, reference: Categories, current: Categories) -> ColumnDrift:
    """Compare a column of categories."""
    names = sorted(set(reference.counts) | set(current.counts))
    rows = [Bin(c, None, None, reference.counts.get(c, 0), current.counts.get(c, 0)) for c in names]
    if reference.missing or current.missing:
        rows.append(Bin(MISSING, None, None, reference.missing, current.missing))
    first, second = _tables(rows)
    p_value, test = chi_square_p_value(first, second)
    return ColumnDrift(
        name=name,
        role=role,
        kind="category",
        missing=(reference.missing, current.missing),
        v=cramers_v_squared(first, second),
        p_value=p_value,
        test=test,
        bins=tuple(rows),
        new=tuple(c for c in names if c not in reference.counts),
        vanished=tuple(c for c in names if c not in current.counts),
        **_common(rows),  # type: ignore[arg-type]
    )


def _tables(bins: Sequence[Bin]) -> tuple[Counts, Counts]:
    first, second = np.array([(each.reference, each.current) for each in bins], dtype=np.int64).T
    return first, second


def _common(bins: Sequence[Bin]) -> dict[str, object]:
    first, second = _tables(bins)
    psi = population_stability_index(first, second)
    sizes = int(first.sum()), int(second.sum())
    freedom = int(((first + second) > 0).sum()) - 1
    return {
        "psi": psi,
        "divergence": jensen_shannon_divergence(first, second),
        "psi_p_value": psi_p_value(psi.value, freedom, *sizes),
        "rows": sizes,
    }


def _by_cuts(side: Numbers, cuts: tuple[float, ...]) -> Counts:
    if side.binned.atoms:
        place = np.searchsorted(np.array(cuts), side.binned.edges, side="right")
        return np.bincount(place, weights=side.binned.counts[1:], minlength=len(cuts) + 1).astype(np.int64)
    return merged(side.binned.counts, side.binned.edges, cuts)


def _functions(reference: Numbers, current: Numbers, seed: int) -> Functions:
    first, second = aligned(reference, current)
    ks, ks_error = kolmogorov_smirnov(first, second)
    moved, moved_error = wasserstein(first, second)
    spread = sqrt(reference.deviation**2 / reference.finite + current.deviation**2 / current.finite)
    draws = noise_of(first, second, seed=seed)
    return Functions(
        (reference.finite, current.finite), ks, ks_error, moved, moved_error, draws, spread, reference.deviation
    )


def _number_test(reference: Numbers, current: Numbers, functions: Functions | None) -> tuple[float, str]:
    """The Kolmogorov–Smirnov test of the values, and with it, where any are missing, a test of how many are."""
    tests = [ks_p_value(functions.ks, *functions.rows)] if functions else []
    if reference.missing or current.missing:
        table = [np.array([side.finite, side.missing], dtype=np.int64) for side in (reference, current)]
        p_value, test = chi_square_p_value(table[0], table[1])
        tests.append((p_value, f"missing-{test.replace(' ', '-')}"))
    return min(1.0, len(tests) * min(p for p, _ in tests)), " and ".join(test for _, test in tests)


def _number_note(functions: Functions | None) -> str:
    if functions is None:
        return "a side has no numbers: only how many are missing is compared"
    if not functions.ks_error and not functions.moved_error:
        return ""
    return (
        "counted in fine bins of the reference; the intervals hold the most that this may hide: "
        f"{functions.ks_error:.2g} of the Kolmogorov–Smirnov statistic, {functions.moved_error:.2g} of the distance in "
        "the column's own unit"
    )


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return "all values" if high is None else f"below {high:.6g}"
    return f"{low:.6g} and above" if high is None else f"{low:.6g} to {high:.6g}"
