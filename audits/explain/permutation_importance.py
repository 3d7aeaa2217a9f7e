"""What a model loses when one feature's values are shuffled: the drop in AUC, accuracy or R², with intervals. Pure.

Breiman (2001), Machine Learning 45, 5–32; scikit-learn's ``permutation_importance`` is the same quantity. Where features hang
together, each alone may seem to matter little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.auc import placements
from audits.explain.asking import Column, Columns, Tell, answers_of, count_of, repeated, scores_of
from audits.intervals import Floats, critical_value
from audits.scoring.model import Model
from registry.execution import Interface

AUC, ACCURACY, R2 = "roc_auc_score", "accuracy_score", "r2_score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Rows with their labels, and what is lost on them.

    Attributes
    ----------
    metric
        ``roc_auc_score`` of two classes, ``accuracy_score`` of more, ``r2_score`` of numbers.
    truth
        (n,) truths for AUC, texts for accuracy, float64 for R².
    """

    rows: Columns
    truth: Column
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The mean drop over all shuffles of a feature, its standard error, and how that was found."""

    feature: str
    value: float
    error: float
    method: str

    def interval(self, confidence: float) -> tuple[float, float]:
        """Limits; not clipped, for a shuffled feature may do better by chance."""
        half = critical_value(confidence) * self.error
        return self.value - half, self.value + half


def labelled(rows: Columns, label: Column, interface: Interface, positive: str) -> Labelled | str:
    """The rows that have a label, by the metric of the task; or why nothing can be lost on them."""
    there = np.array([value is not None and value == value for value in label.tolist()], dtype=bool)  # noqa: PLR0124 - NaN
    kept, seen = {name: column[there] for name, column in rows.items()}, label[there]
    if interface.task == "regression":
        truth, metric = seen.astype(np.float64), R2
    elif interface.task == "multiclass":
        truth, metric = np.asarray([class_words(value) for value in seen.tolist()], dtype=object), ACCURACY
    else:
        words = positive.casefold()
        truth, metric = np.asarray([class_words(v).casefold() == words for v in seen.tolist()], dtype=bool), AUC
    if len(set(truth.tolist())) < 2:  # noqa: PLR2004 - nothing is told apart
        return "the labels of the rows drawn are all the same"
    return Labelled(rows=kept, truth=truth, metric=metric)


def class_words(value: object) -> str:
    """A class as text: 1.0 and 1 are the same class."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def drops(
    model: Model, data: Labelled, *, repeats: int, seed: int, tell: Tell | None = None
) -> tuple[float, list[Drop]]:
    """The metric itself, and the drop of each feature.

    Notes
    -----
    The variance is that of the rows (each row's influence on the drop, averaged over shuffles: DeLong's placements for AUC)
    and that of the shuffles (their variance over their number), added.
    """
    count = count_of(data.rows)
    value, whole = _measure(data, _answers(model, data.rows, data.metric), 1)
    found = []
    names = list(data.rows)
    for place, name in enumerate(names):
        draw = np.random.Generator(np.random.PCG64([seed, place]))
        shuffled = np.concatenate([data.rows[name][draw.permutation(count)] for _ in range(repeats)])
        asked = repeated(data.rows, repeats, **{name: shuffled})
        values, parts = _measure(data, _answers(model, asked, data.metric, _within(tell, place, len(names))), repeats)
        lost = value[0] - values
        variance = _spread(data, whole[0] - parts.mean(axis=0))
        if repeats > 1:
            variance += float(lost.var(ddof=1)) / repeats
        error = float(np.sqrt(variance)) if variance > _NOTHING else 0.0
        found.append(Drop(feature=name, value=float(lost.mean()), error=error, method=_METHODS[data.metric]))
    return float(value[0]), found


_NOTHING = 1e-24
"""A variance that is only rounding: nothing changed when the feature was shuffled."""

_METHODS = {AUC: "delong-shuffled", ACCURACY: "clt-shuffled", R2: "delta-shuffled"}


def _within(tell: Tell | None, place: int, of: int) -> Tell | None:
    return None if tell is None else lambda share: tell((place + share) / of)


def _answers(model: Model, rows: Columns, metric: str, tell: Tell | None = None) -> Column:
    return answers_of(model, rows, tell)[1] if metric == ACCURACY else scores_of(model, rows, tell)


def _measure(data: Labelled, answers: Column, times: int) -> tuple[Floats, Floats]:
    """(times,) values of the metric, and (times, n) influences of the rows."""
    blocks = answers.reshape(times, -1)
    found = [_ONE[data.metric](data.truth, block) for block in blocks]
    return np.array([value for value, _ in found]), np.array([influence for _, influence in found])


def _auc(truth: Column, score: Column) -> tuple[float, Floats]:
    placed = placements(truth, score, None)
    return placed.value, placed.rows - placed.value


def _accuracy(truth: Column, decided: Column) -> tuple[float, Floats]:
    right = np.array([class_words(value) for value in decided.tolist()], dtype=object) == truth
    share = float(right.mean())
    return share, right.astype(np.float64) - share


def _r2(truth: Column, predicted: Column) -> tuple[float, Floats]:
    centred, errors = (truth - truth.mean()) ** 2, (truth - predicted) ** 2
    ratio = float(errors.mean() / centred.mean())
    influence: Floats = -(errors - ratio * centred) / centred.mean()
    return 1.0 - ratio, influence


_ONE = {AUC: _auc, ACCURACY: _accuracy, R2: _r2}


def _spread(data: Labelled, influence: Floats) -> float:
    """The variance of a mean of influences; of an area's, by class."""
    if data.metric != AUC:
        return float(influence.var(ddof=1)) / len(influence)
    sides: list[npt.NDArray[np.float64]] = [influence[data.truth], influence[~data.truth]]
    return sum(float((side**2).sum()) / max(len(side) - 1, 1) / len(side) for side in sides)
