"""How well the groups of the data represent a population: shares, and their ratio to the population's shares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, wilson
from audits.measurement import Measurement
from audits.tensor import CountTensor

_SMALLEST_P = 0.001


@dataclass(frozen=True, eq=False, kw_only=True)
class Representation:
    """The groups of one column in the data and in the population.

    Attributes
    ----------
    names
        All groups of either, sorted.
    rows
        (G,) rows in the data.
    share, low, high
        (G,) share of the data, with limits that hold for all groups together.
    population
        (G,) share of the population; NaN where none is given.
    p_value
        Of the chi-square test that the rows of groups with a given share were drawn from the population; ``None`` where
        fewer than two such groups or no such row.
    """

    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    share: Floats
    low: Floats
    high: Floats
    population: Floats
    p_value: float | None

    @property
    def ratio(self) -> Floats:
        """(G,) share of the data by share of the population; NaN where none is given."""
        ratio: Floats = self.share / self.population
        return ratio


def represent(
    rows: Mapping[str, int],
    population: Mapping[str, float],
    confidence: float,
    *,
    mass: Mapping[str, float] | None = None,
    effective: float | None = None,
) -> Representation:
    """Hold the groups of a column against a population.

    Parameters
    ----------
    rows
        Group to its rows in the data.
    population
        Group to its share of the population, in (0, 1].
    confidence
        Coverage of all groups' intervals together.
    mass, effective
        With weights: group to its sum of weights, and Kish's effective size of the data.

    Notes
    -----
    Intervals: Goodman, L. A. (1965), Technometrics 7, 247–254: Wilson's limits with Bonferroni's level over the groups.
    Test: Pearson's chi-square over the groups that have a share given, on their (effective) counts.
    """
    names = tuple(sorted({*rows, *population}))
    weights = mass or rows
    total = float(sum(weights.values()))
    size = float(sum(rows.values())) if effective is None else effective
    share = np.array([weights.get(name, 0) for name in names], dtype=np.float64) / total
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * len(names)))
    low, high = wilson(share * size, size, z)
    given = np.array([population.get(name, np.nan) for name in names], dtype=np.float64)
    return Representation(
        names=names,
        rows=np.array([rows.get(name, 0) for name in names], dtype=np.int64),
        share=share,
        low=low,
        high=high,
        population=given,
        p_value=_chi_square(share * size, given),
    )


def _chi_square(counts: Floats, population: Floats) -> float | None:
    from scipy.special import chdtrc

    named = ~np.isnan(population)
    counts, expected = counts[named], population[named] / population[named].sum()
    if len(counts) < 2 or counts.sum() == 0:  # noqa: PLR2004 - one group always fits
        return None
    expected = expected * counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float(chdtrc(len(counts) - 1, statistic))


def representation_measurements(
    tensor: CountTensor,
    column: str,
    population: Mapping[str, float],
    confidences: Sequence[float],
    *,
    why_not: str = "",
) -> list[Measurement]:
    """``representation_share`` and ``representation_ratio`` of every group of one column, in the data or the population.

    A group that no row has is shown with its ``count`` of 0; one that the population does not name has no ratio.

    Parameters
    ----------
    tensor
        Counts by that one column.
    why_not
        Where counts were held back: why nothing can be told.
    """
    names = [where[column] for where in tensor.slices()]
    rows = dict(zip(names, tensor.counts.sum(axis=1).tolist(), strict=True))
    mass, size = None, None
    if tensor.squares is not None:
        mass = dict(zip(names, tensor.weights.sum(axis=1).tolist(), strict=True))
        size = float(tensor.weights.sum() ** 2 / tensor.squares.sum())
    method = "goodman" if mass is None else "goodman-kish"
    made: list[Measurement] = []
    for confidence in confidences:
        found = represent(rows, population, confidence, mass=mass, effective=size)
        fit = (
            "" if found.p_value is None else f"; chi-square of all groups with a given share: p {_small(found.p_value)}"
        )
        for i, name in enumerate(found.names):
            where = {column: name}
            if not found.rows[i]:
                made.append(
                    Measurement(
                        metric="count", slice=where, value=0, low=0, high=0, n=0, method="exact count",
                        confidence=confidence, note="the population has this group, the data have no row of it",
                    )
                )  # fmt: skip
            share = float(found.population[i])
            given = not isnan(share)
            values = (float(found.share[i]), float(found.low[i]), float(found.high[i]))
            ratios = tuple(value / share for value in values) if given else None
            note = f"{share:.2%} of the population{fit}" if given else "the population gives no share of this group"
            for metric, triple in (("representation_share", values), ("representation_ratio", ratios)):
                known = None if why_not else triple
                made.append(
                    Measurement(
                        metric=metric,
                        slice=where,
                        value=known[0] if known else None,
                        low=known[1] if known else None,
                        high=known[2] if known else None,
                        n=tensor.total,
                        method=method,
                        confidence=confidence,
                        note=why_not or note,
                    )
                )
    return made


def _small(p_value: float) -> str:
    return f"= {p_value:.3g}" if p_value >= _SMALLEST_P else f"< {_SMALLEST_P:g}"
