"""How far apart all pairs of groups can be by chance at once: max-t over the multinomial bootstrap of a count tensor. Pure.

The bootstrap of rows is a multinomial draw of each group's four cells, so its cost does not depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, critical_value
from audits.rates import Rate
from audits.tensor import CELLS, CountTensor

REPLICATES = 1000
_PRIOR = 0.25
"""Added to each cell, so that a rate of none or all of its rows varies too: a rate becomes ``(x + ½)/(n + 1)``."""

_ENOUGH = 5

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws of the groups of a tensor.

    Attributes
    ----------
    cells
        (4, G, R) counts in each replicate.
    base
        (G, 4) the probabilities that they were drawn by.
    size
        (G,) rows of each group; of weighted data Kish's effective size.
    """

    cells: npt.NDArray[np.float32]
    base: Floats
    size: Floats

    def deviations(self, rate: Rate, groups: Sequence[int], *, relative: bool) -> tuple[Singles, Floats]:
        """By how much each replicate's rate is off, and the variance of that.

        Returns
        -------
        deviations
            (k, R) ``r* − r``, or ``r*/r − 1`` where ``relative``; 0 where a replicate has no row in the denominator.
        variances
            (k,) ``r(1 − r)/n``, or ``(1 − r)/(n r)``.
        """
        part, of = ([i for i, name in enumerate(CELLS) if name in side] for side in (rate.part, rate.of))
        chosen = np.asarray(groups, dtype=np.intp)
        hits, rows = (self._sum(cells)[chosen] for cells in (part, of))
        expected = self.base[chosen][:, of].sum(axis=1)
        centre = self.base[chosen][:, part].sum(axis=1) / expected
        middle = centre.astype(np.float32)[:, None]
        off = np.divide(hits, rows, out=np.broadcast_to(middle, rows.shape).copy(), where=rows > 0)
        off -= middle
        variance = centre * (1 - centre) / (expected * self.size[chosen])
        if relative:
            return off / middle, variance / centre**2
        return off, variance

    def _sum(self, cells: Sequence[int]) -> Singles:
        total: Singles = self.cells[cells[0]]
        for cell in cells[1:]:
            total = total + self.cells[cell]
        return total


@dataclass(frozen=True, slots=True)
class Critical:
    """A critical value for a family of intervals, and how it was found, as it ends the name of their method.

    ``-maxt``, ``-sidak``, or nothing where the family is a single pair.
    """

    z: float
    suffix: str


class Bootstrap:
    """The bootstrap of one tensor, drawn when first asked for, and the largest statistic of each rate in each replicate."""

    def __init__(self, tensor: CountTensor, groups: Sequence[int], *, seed: int, replicates: int = REPLICATES) -> None:
        self.tensor = tensor
        self.groups = list(groups)
        self.seed = seed
        self.replicates = replicates
        self._maxima: dict[tuple[str, tuple[int, ...], bool], Singles] = {}

    @cached_property
    def draws(self) -> Draws:
        """The replicates of all groups."""
        return draw(self.tensor, self.groups, seed=self.seed, replicates=self.replicates)

    def critical(
        self, rates: Sequence[Rate], members: Sequence[Sequence[int]], confidence: float, *, relative: bool
    ) -> Critical:
        """The critical value at which the intervals of all pairs, of all rates, hold together.

        Parameters
        ----------
        members
            Per rate, the groups that are compared.
        relative
            Whether ratios are compared, and not differences.

        Notes
        -----
        The ``confidence`` quantile of ``max |t*|`` over pairs, where ``t*`` is a pair's deviation in the replicate over
        its standard error: Hothorn, Bretz and Westfall (2008), Biometrical Journal 50, 346–363, with the joint
        distribution bootstrapped. Never below the value for a single pair, nor above Šidák's, which holds for any
        correlation; Šidák's outright where a group has fewer than 5 rows on either side of its rate, of which a bootstrap
        says too little.
        """
        pairs = sum(len(groups) * (len(groups) - 1) // 2 for groups in members)
        single, sidak = critical_value(confidence), critical_value(confidence, pairs)
        if pairs <= 1:
            return Critical(single, "")
        if any(self._few(rate, groups) for rate, groups in zip(rates, members, strict=True)):
            return Critical(sidak, "-sidak")
        largest = [self._largest(rate, tuple(groups), relative) for rate, groups in zip(rates, members, strict=True)]
        ordered = np.sort(np.max(largest, axis=0))
        at = min(ceil(confidence * (self.replicates + 1)), self.replicates) - 1
        return Critical(min(max(float(ordered[at]), single), sidak), "-maxt")

    def _few(self, rate: Rate, groups: Sequence[int]) -> bool:
        part, of, _ = rate.sums(self.tensor)
        chosen = list(groups)
        return bool((np.minimum(part, of - part)[chosen] < _ENOUGH).any())

    def _largest(self, rate: Rate, groups: tuple[int, ...], relative: bool) -> Singles:
        key = (rate.name, groups, relative)
        if key not in self._maxima:
            place = {group: index for index, group in enumerate(self.groups)}
            self._maxima[key] = largest_statistic(
                *self.draws.deviations(rate, [place[group] for group in groups], relative=relative)
            )
        return self._maxima[key]


def draw(tensor: CountTensor, groups: Sequence[int], *, seed: int, replicates: int) -> Draws:
    """Draw each group's cells anew.

    A group's stream is seeded by its own counts, so what groups are called, their order, and which others are there change
    no number; groups with the same counts are told apart by how often those came before.
    """
    chosen = list(groups)
    weights = tensor.weights[chosen]
    mass = weights.sum(axis=1)
    squares = weights.sum(axis=1) if tensor.squares is None else tensor.squares[chosen].sum(axis=1)
    size = mass**2 / squares
    base = (weights / mass[:, None] * size[:, None] + _PRIOR) / (size[:, None] + len(CELLS) * _PRIOR)
    cells = np.empty((len(CELLS), len(chosen), replicates), dtype=np.float32)
    seen: dict[tuple[int, ...], int] = {}
    for index in _in_order(tensor, chosen):
        counts = tuple(tensor.counts[chosen[index]].tolist())
        seen[counts] = seen.get(counts, 0) + 1
        stream = np.random.Generator(np.random.SFC64([seed, *counts, seen[counts]]))
        cells[:, index] = stream.multinomial(max(round(float(size[index])), 1), base[index], replicates).T
    return Draws(cells, base, size)


def _in_order(tensor: CountTensor, chosen: list[int]) -> list[int]:
    """Indices of the chosen groups, those with the same counts by their weights: an order that names do not change."""
    return sorted(range(len(chosen)), key=lambda index: tensor.weights[chosen[index]].tolist())


def largest_statistic(deviations: Singles, variances: Floats) -> Singles:
    """(R,) the largest ``|d_i − d_j| / √(v_i + v_j)`` over pairs of groups, in each replicate.

    Parameters
    ----------
    deviations
        (k, R).
    variances
        (k,), above 0.
    """
    largest = np.zeros(deviations.shape[1], dtype=np.float32)
    for index in range(len(deviations) - 1):
        scale = (1 / np.sqrt(variances[index] + variances[index + 1 :])).astype(np.float32)
        gaps = deviations[index + 1 :] - deviations[index]
        np.abs(gaps, out=gaps)
        gaps *= scale[:, None]
        np.maximum(largest, gaps.max(axis=0), out=largest)
    return largest
