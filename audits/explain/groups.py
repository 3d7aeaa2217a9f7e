"""Whether a model leans on other things for other groups: importance by group, and how far shares lie apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.explain.importance import FEWEST, shares
from audits.explain.resampling import critical_of, replicate_means, standard_errors
from audits.intervals import Floats
from audits.max_t import largest_statistic
from audits.simultaneous import refuse_many

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The largest difference between two groups' shares of one feature, with an interval that holds for all at once.

    Attributes
    ----------
    feature
        Its index.
    more, less
        The group for which the feature has the larger, and the smaller, share.
    """

    feature: int
    value: float
    low: float
    high: float
    more: str
    less: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How far apart the groups' shares lie, by feature.

    Attributes
    ----------
    by_feature
        One for each feature; empty where fewer than two groups can be compared.
    left_out
        Groups with fewer than 30 explained rows, which are compared with none.
    rows
        Explained rows of the groups that are compared.
    """

    by_feature: tuple[Gap, ...]
    left_out: tuple[str, ...]
    rows: int

    @property
    def largest(self) -> Gap | None:
        """The largest of all; its interval is that of the largest of all true differences."""
        if not self.by_feature:
            return None
        worst = max(self.by_feature, key=lambda gap: gap.value)
        low, high = max(gap.low for gap in self.by_feature), max(gap.high for gap in self.by_feature)
        return Gap(
            feature=worst.feature,
            value=worst.value,
            low=min(low, worst.value),
            high=high,
            more=worst.more,
            less=worst.less,
        )


def share_gaps(values: Floats, groups: Mapping[str, Rows], confidence: float, *, seed: int) -> Gaps:
    """The largest difference of shares between any two groups, for every feature.

    Parameters
    ----------
    values
        (n, d) contributions.
    groups
        Name of the group to its rows.

    Notes
    -----
    The bootstrap draws rows within groups. One critical value holds for all features and all pairs of groups (max-t), so
    with intervals ``[L, U]`` of all differences, either way round, the largest lies in ``[max L, max U]``.
    """
    refuse_many(len(groups))
    names = sorted(groups)
    left_out = tuple(name for name in names if len(groups[name]) < FEWEST)
    compared = [name for name in names if name not in left_out and np.abs(values[groups[name]]).sum() > 0]
    rows = sum(len(groups[name]) for name in compared)
    if len(compared) < 2:  # noqa: PLR2004 - a comparison takes two
        return Gaps(by_feature=(), left_out=left_out, rows=rows)
    found = [shares(values[groups[name]]) for name in compared]
    share = np.array([point for point, _ in found])
    variance = np.array([standard_errors(influence) ** 2 for _, influence in found])
    deviation = np.array(
        [_replicated(values[groups[name]], seed, place) - share[place] for place, name in enumerate(compared)]
    )
    features = [feature for feature in range(values.shape[1]) if variance[:, feature].max() > 0]
    floor = np.finfo(np.float64).tiny
    largest = np.zeros(deviation.shape[1])
    for feature in features:
        moved = deviation[:, :, feature].astype(np.float32)
        largest = np.maximum(largest, largest_statistic(moved, np.maximum(variance[:, feature], floor)))
    pairs = len(compared) * (len(compared) - 1) // 2 * max(len(features), 1)
    z = critical_of(largest, confidence, pairs)
    gaps = tuple(
        _gap(feature, share[:, feature], variance[:, feature], z, compared) for feature in range(len(share[0]))
    )
    return Gaps(by_feature=gaps, left_out=left_out, rows=rows)


def _replicated(values: Floats, seed: int, stream: int) -> Floats:
    """(R, d) shares in bootstrap samples of a group's rows."""
    means = replicate_means(np.abs(values), seed=seed, stream=stream + 1)
    total = means.sum(axis=1, keepdims=True)
    share: Floats = np.divide(means, total, out=np.zeros_like(means), where=total > 0)
    return share


def _gap(feature: int, share: Floats, variance: Floats, z: float, names: Sequence[str]) -> Gap:
    one, two = np.triu_indices(len(share), 1)
    size, half = np.abs(share[one] - share[two]), z * np.sqrt(variance[one] + variance[two])
    value = float(size.max())
    return Gap(
        feature=feature,
        value=value,
        low=min(max(float((size - half).max()), 0.0), value),
        high=min(float((size + half).max()), 1.0),
        more=names[int(share.argmax())],
        less=names[int(share.argmin())],
    )
