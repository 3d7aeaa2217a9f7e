"""What training for parity would do: fairlearn's post-processing and reductions, chosen on one half, measured on the other. Pure."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.measures.proxies.encoding import Feature
from audits.measures.remedy.outcomes import Outcome
from audits.tensor import CELLS

LEAST_ROWS = 200
_GRID, _ITERATIONS, _NEARNESS = 15, 20, 0.02
_MOST_ITERATIONS = 1000

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_GROUP_NEEDED = "needs each person's group when it decides, and decides some people by lot"
_BY_LOT = "decides some people by lot, as it draws one of several models for each"


@dataclass(frozen=True, slots=True)
class Trained:
    """A way of training: its name, what it does, its caveat, and what comes of it on rows that it has not seen."""

    name: str
    does: str
    caveat: str
    outcome: Outcome


def design(features: Sequence[Feature]) -> Floats:
    """(n, d) numbers for a linear model: standardised, missing ones in the middle and marked, levels one by one."""
    columns: list[Floats] = []
    for feature in features:
        missing = np.isnan(feature.values)
        if feature.categorical:
            levels = np.unique(feature.values[~missing])
            columns += [(feature.values == level).astype(np.float64) for level in levels[1:]]
        elif not missing.all():
            values = np.where(missing, np.median(feature.values[~missing]), feature.values)
            spread = values.std()
            columns.append((values - values.mean()) / (spread if spread > 0 else 1.0))
        if missing.any():
            columns.append(missing.astype(np.float64))
    return np.stack(columns, axis=1) if columns else np.zeros((len(features[0].values), 1))


def trainings(features: Sequence[Feature], label: Codes, group: Codes, *, seed: int) -> Iterator[Trained]:
    """A logistic regression as it is, and under four constraints of fairlearn's.

    Parameters
    ----------
    features
        Of n rows in random order: the even ones train, the odd ones measure.
    label, group
        (n,) labels 0 and 1, and groups 0 … G − 1.

    Notes
    -----
    Hardt, Price and Srebro (2016), "Equality of opportunity in supervised learning", NeurIPS 29 (``ThresholdOptimizer``);
    Agarwal, Beygelzimer, Dudík, Langford and Wallach (2018), "A reductions approach to fair classification", ICML
    (``ExponentiatedGradient``, ``GridSearch``). One thread and fixed seeds: the same on every run.
    """
    from fairlearn import postprocessing, reductions
    from threadpoolctl import threadpool_limits

    rows = design(features)
    train, test = np.arange(0, len(label), 2), np.arange(1, len(label), 2)
    x, y, g = rows[train], label[train], group[train]
    seed %= 1 << 32

    def told(name: str, does: str, caveat: str, model: Any, **by: Any) -> Trained:
        chosen = np.asarray(model.predict(rows[test], **by)).astype(np.int64)
        return Trained(name, does, caveat, _outcome(label[test], chosen, group[test], int(group.max()) + 1))

    with threadpool_limits(1), warnings.catch_warnings():
        # Libraries announce changes to come; what they compute is tested here.
        for announcement in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", announcement)
        plain = _logistic().fit(x, y)
        yield told("logistic model, as trained", "trained on the features without any constraint", "", plain)
        for constraint, what in (
            ("demographic_parity", "selection rates"),
            ("equalized_odds", "true and false positive rates"),
        ):
            made = postprocessing.ThresholdOptimizer(
                estimator=plain, constraints=constraint, prefit=True, predict_method="predict_proba"
            ).fit(x, y, sensitive_features=g)
            by = {"sensitive_features": group[test], "random_state": seed}
            name = f"ThresholdOptimizer, {constraint.replace('_', ' ')}"
            yield told(name, f"thresholds by group that make {what} equal", _GROUP_NEEDED, made, **by)
        for name, moment, what in (
            ("demographic parity", reductions.DemographicParity, "selection rates"),
            ("equalized odds", reductions.EqualizedOdds, "true and false positive rates"),
        ):
            found = reductions.ExponentiatedGradient(
                _logistic(), moment(difference_bound=_NEARNESS), max_iter=_ITERATIONS
            ).fit(x, y, sensitive_features=g)
            does = f"trains so that {what} differ by at most about {_NEARNESS}; does not need the group to decide"
            yield told(f"ExponentiatedGradient, {name}", does, _BY_LOT, found, random_state=seed)
        grid = reductions.GridSearch(_logistic(), reductions.DemographicParity(), grid_size=_GRID).fit(
            x, y, sensitive_features=g
        )
        does = f"the best of {_GRID} reweighed models, each decision its own; does not need the group to decide"
        yield told("GridSearch, demographic parity", does, "", grid)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=_MOST_ITERATIONS)


def _outcome(label: Codes, chosen: Codes, group: Codes, groups: int) -> Outcome:
    counts = np.bincount(group * len(CELLS) + 2 * label + chosen, minlength=groups * len(CELLS))
    return Outcome(cells=counts.reshape(groups, len(CELLS)).astype(np.float64), size=np.ones(groups))
