"""Area under the ROC curve of several groups, each against the rest, with a variance for their mean. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audits.auc import Auc

Floats = npt.NDArray[np.float64]


def macro_auc(codes: npt.NDArray[np.int64], probability: Floats) -> Auc:
    """The mean over groups of the AUC of a group against the rest.

    Parameters
    ----------
    codes
        (n,) groups 0 … G − 1, all present.
    probability
        (n, G) the score of each group.

    Notes
    -----
    scikit-learn's ``roc_auc_score(multi_class="ovr", average="macro")``; for two groups its two areas are one. Each area is a
    U-statistic whose placements (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837–845) are its influence on the
    rows; the mean of the influences gives the variance of the mean, whatever the areas' correlation.
    """
    n, k = probability.shape
    influence = np.zeros(n)
    areas = []
    for group in range(k):
        mine = codes == group
        area, placed = _placements(mine, probability[:, group])
        areas.append(area)
        influence += np.where(mine, (placed - area) / mine.sum(), (placed - area) / (~mine).sum())
    sizes = np.bincount(codes, minlength=k)
    small = float(sizes.min())
    variance = float((influence**2).sum()) / k**2 * small / max(small - 1, 1)
    return Auc(float(np.mean(areas)), variance, small, float(n - small))


def _placements(positive: npt.NDArray[np.bool_], score: Floats) -> tuple[float, Floats]:
    """The area, and per row the share of the other side that it is ranked rightly against."""
    levels, place = np.unique(score, return_inverse=True)
    above = np.bincount(place, weights=positive, minlength=len(levels))
    below = np.bincount(place, weights=~positive, minlength=len(levels))
    negatives = (np.cumsum(below) - below / 2) / below.sum()
    positives = 1 - (np.cumsum(above) - above / 2) / above.sum()
    area = float((above * negatives).sum() / above.sum())
    return area, np.where(positive, negatives[place], positives[place])
