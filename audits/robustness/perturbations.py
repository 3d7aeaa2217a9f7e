"""What is done to inputs: noise, gaps, values never seen, beyond the range, in another unit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import numpy as np

from audits.robustness.rows import NUMBER, TEXT, Changes, Rows, Values

if TYPE_CHECKING:
    from audits.robustness.parameters import RobustnessParameters

NOISE, MISSING, UNSEEN, OUT_OF_RANGE, UNIT = "noise", "missing", "unseen", "out-of-range", "unit"

NEVER_SEEN = "never seen before"
"""A category that no training data hold."""

_FEW_VALUES = 2

Change: TypeAlias = Callable[[np.random.Generator], Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """One thing that is done to the rows.

    Attributes
    ----------
    name
        ``noise-5``, ``missing``, ``missing-20``, ``unseen``, ``out-of-range-10``, ``unit-1000``.
    feature
        The only column that it is done to; empty where it is done to all together.
    """

    name: str
    feature: str
    change: Change

    def changes(self, seed: int) -> Changes:
        """The columns as they become: the same for the same seed, whatever else is done."""
        return self.change(np.random.default_rng([seed, crc32(self.name.encode()), crc32(self.feature.encode())]))


def scale_of(values: Values) -> float:
    """The interquartile range of a feature; its standard deviation where that is 0; 0 where it does not vary."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    low, high = np.quantile(known, [0.25, 0.75])
    return float(high - low) or float(known.std())


def perturbations_of(rows: Rows, asked: RobustnessParameters) -> Iterator[Perturbation]:
    """Everything that is done to the rows, what is done to all columns together first.

    Numbers of at most two values are flags: noise says nothing of them.
    """
    features = list(asked.features or rows.columns)
    numbers = [name for name in rows.of_kind(NUMBER) if name in features and scale_of(rows.columns[name]) > 0]
    noisy = [name for name in numbers if len(np.unique(rows.columns[name])) > _FEW_VALUES]
    for percent in asked.noise if noisy else ():
        yield _perturbation(f"{NOISE}-{percent}", "", _noise(rows, noisy, percent))
    for percent in asked.missing:
        yield _perturbation(f"{MISSING}-{percent}", "", _gaps(rows, features, percent))
    for name in features:
        yield from _of_feature(rows, name, asked, noisy=name in noisy, number=name in numbers)


def _of_feature(
    rows: Rows, name: str, asked: RobustnessParameters, *, noisy: bool, number: bool
) -> Iterator[Perturbation]:
    for percent in asked.noise if noisy else ():
        yield _perturbation(f"{NOISE}-{percent}", name, _noise(rows, [name], percent))
    yield _perturbation(MISSING, name, _gaps(rows, [name], 100))
    if rows.kinds[name] == TEXT:
        yield _perturbation(UNSEEN, name, _unseen(rows, name))
    for times in asked.out_of_range if number else ():
        yield _perturbation(f"{OUT_OF_RANGE}-{times}", name, _beyond(rows, name, times))
    for factor in asked.units if number else ():
        yield _perturbation(f"{UNIT}-{factor}", name, _unit(rows, name, factor))


def _perturbation(name: str, feature: str, change: Change) -> Perturbation:
    return Perturbation(name=name, feature=feature, change=change)


def _rounded(rows: Rows, name: str, values: Values) -> Values:
    return np.rint(values) if name in rows.whole else values


def _noise(rows: Rows, names: Sequence[str], percent: int) -> Change:
    def change(rng: np.random.Generator) -> Changes:
        found = {}
        for name in names:
            values = rows.columns[name]
            found[name] = _rounded(
                rows, name, values + rng.standard_normal(len(values)) * scale_of(values) * percent / 100
            )
        return found

    return change


def _gaps(rows: Rows, names: Sequence[str], percent: int) -> Change:
    def change(rng: np.random.Generator) -> Changes:
        found = {}
        for name in names:
            values = rows.columns[name].copy()
            values[rng.random(len(values)) < percent / 100] = np.nan if rows.kinds[name] == NUMBER else None
            found[name] = values
        return found

    return change


def _unseen(rows: Rows, name: str) -> Change:
    def change(_rng: np.random.Generator) -> Changes:
        seen, value = set(rows.columns[name].tolist()), NEVER_SEEN
        while value in seen:
            value += "!"
        values = np.empty(len(rows), dtype=object)
        values[:] = value
        return {name: values}

    return change


def _beyond(rows: Rows, name: str, times: int) -> Change:
    def change(rng: np.random.Generator) -> Changes:
        values = rows.columns[name]
        known = values[np.isfinite(values)]
        far = times * scale_of(values)
        above = rng.random(len(values)) < 1 / 2
        return {name: _rounded(rows, name, np.where(above, known.max() + far, known.min() - far))}

    return change


def _unit(rows: Rows, name: str, factor: int) -> Change:
    return lambda _rng: {name: rows.columns[name] * factor}
