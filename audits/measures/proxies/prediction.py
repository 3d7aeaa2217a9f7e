"""Groups predicted from features, each row by a model that has not seen it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audits.measures.proxies.encoding import Codes, Feature

FOLDS = 5
LEAST_ROWS = 10
_ITERATIONS, _LEAVES, _LEAF_ROWS = 60, 15, 20

Floats = npt.NDArray[np.float64]


def folds(codes: Codes, seed: int) -> Codes:
    """(n,) the fold of each row: five, every group spread evenly."""
    from sklearn.model_selection import StratifiedKFold

    place = np.zeros(len(codes), dtype=np.int64)
    splitter = StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=seed % (1 << 32))
    for number, (_, held_out) in enumerate(splitter.split(np.zeros((len(codes), 1)), codes)):
        place[held_out] = number
    return place


def by_all(features: Sequence[Feature], codes: Codes, fold: Codes, seed: int) -> Floats:
    """(n, G) out-of-fold probabilities by gradient-boosted trees on all features.

    One thread, so that the sums, and with them the probabilities, are the same on every run.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    values = np.stack([feature.values for feature in features], axis=1)
    probability = np.zeros((len(codes), int(codes.max()) + 1))
    with threadpool_limits(1):
        for number in range(FOLDS):
            held_out = fold == number
            model = HistGradientBoostingClassifier(
                max_iter=_ITERATIONS,
                max_leaf_nodes=_LEAVES,
                min_samples_leaf=max(min(_LEAF_ROWS, len(codes) // 50), 2),
                categorical_features=[feature.categorical for feature in features],
                early_stopping=False,
                random_state=seed % (1 << 32),
            )
            model.fit(values[~held_out], codes[~held_out])
            probability[held_out] = model.predict_proba(values[held_out])
    return probability


def by_one(feature: Feature, codes: Codes, fold: Codes) -> Floats:
    """(n, G) out-of-fold probabilities by one feature: the groups' shares in the row's bin, in the other folds.

    Two rows of the whole's shares are added to every bin, so that small bins do not promise too much.
    """
    bins = feature.bins()
    groups, width = int(codes.max()) + 1, int(bins.max()) + 1
    probability = np.zeros((len(codes), groups))
    for number in range(FOLDS):
        held_out = fold == number
        seen = np.bincount(bins[~held_out] * groups + codes[~held_out], minlength=width * groups)
        counts = seen.reshape(width, groups).astype(np.float64)
        prior = counts.sum(axis=0) / counts.sum()
        share = (counts + 2 * prior) / (counts.sum(axis=1, keepdims=True) + 2)
        probability[held_out] = share[bins[held_out]]
    return probability
