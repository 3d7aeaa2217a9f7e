"""A challenger against the champion: differences of metrics, paired where both predicted the same rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.auc import paired_auc_difference, roc_auc, unpaired_auc_difference
from audits.intervals import Floats, critical_value, mean_bootstrap, mean_delta, newcombe_difference
from audits.measurement import Measurement
from audits.measures.comparison.joint import joint_table, paired_rates
from audits.measures.comparison.slices import Paired, both, paired_rate
from audits.performance import FEW_ROWS, row_losses
from audits.predictions import Predictions
from registry.errors import InvalidInput

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What counts as a success for one rate, and among which rows: (n,) each."""

    metric: str
    success: Mask
    among: Mask


def same_rows(challenger: Predictions, champion: Predictions) -> str:
    """Why the two cannot be taken as predictions of the same rows in the same order; empty where they can."""
    if len(challenger) != len(champion):
        return f"they have {len(challenger)} and {len(champion)} rows"
    differing = np.flatnonzero(challenger.label != champion.label)
    if len(differing):
        return f"their labels differ, first in row {int(differing[0]) + 1}"
    for column in challenger.sensitive:
        if column not in champion.sensitive:
            return f"only one of them holds column {column!r}"
        (codes, names), (other_codes, other_names) = challenger.sensitive[column], champion.sensitive[column]
        if names != other_names or not np.array_equal(codes, other_codes):
            return f"their groups in column {column!r} differ"
    return ""


def compare(
    challenger: Predictions, champion: Predictions, *, confidences: Sequence[float], seed: int = 0
) -> tuple[list[Measurement], list[str]]:
    """Challenger minus champion.

    Parameters
    ----------
    challenger, champion
        Unweighted predictions; of the same rows in the same order for paired intervals.
    confidences
        Nominal coverages.
    seed
        Of the bootstrap that paired losses on few rows get.

    Returns
    -------
    measurements, warnings
        ``accuracy_score``, ``recall_score``, ``false_positive_rate``, ``selection_rate``, and with scores on both sides
        ``roc_auc_score``, ``log_loss``, ``brier_score_loss``: ``value`` is challenger − champion, ``note`` gives both.
        A warning says why where the intervals are unpaired.

    Raises
    ------
    InvalidInput
        If either is weighted.
    """
    if challenger.weight is not None or champion.weight is not None:
        raise InvalidInput("a comparison does not take sample weights", field="weight")
    why = same_rows(challenger, champion)
    warnings = [f"not the same rows ({why}): intervals are unpaired, and wider than they could be"] if why else []
    if (challenger.score is None) != (champion.score is None):
        warnings.append("only one of the two has scores: score metrics are not compared")
    found = compared(challenger, champion, confidences=confidences, seed=seed, paired=not why)
    return [item.measurement for item in found], warnings


def compared(
    challenger: Predictions, champion: Predictions, *, confidences: Sequence[float], seed: int, paired: bool
) -> list[Paired]:
    """The measurements of :func:`compare`, each with the two values that it is the difference of."""
    found: list[Paired] = []
    for confidence in confidences:
        found += _rates(challenger, champion, confidence, paired=paired)
        if challenger.score is not None and champion.score is not None:
            found.append(_areas(challenger, champion, confidence, paired=paired))
            found += _losses(challenger, champion, confidence, seed, paired=paired)
    return found


def _outcomes(predictions: Predictions) -> list[_Outcome]:
    selected, positive = predictions.prediction == 1, predictions.label == 1
    everything = np.ones(len(predictions), dtype=np.bool_)
    return [
        _Outcome("accuracy_score", predictions.prediction == predictions.label, everything),
        _Outcome("recall_score", selected, positive),
        _Outcome("false_positive_rate", selected, ~positive),
        _Outcome("selection_rate", selected, everything),
    ]


def _rates(challenger: Predictions, champion: Predictions, confidence: float, *, paired: bool) -> Iterator[Paired]:
    if paired:
        for metric, counts in paired_rates(joint_table(challenger, champion).counts[0]).items():
            yield paired_rate(metric, counts, confidence, level=confidence)
        return
    z = critical_value(confidence)
    for one, two in zip(_outcomes(challenger), _outcomes(champion), strict=True):
        x1, n1 = int((one.success & one.among).sum()), int(one.among.sum())
        x2, n2 = int((two.success & two.among).sum()), int(two.among.sum())
        low, high = newcombe_difference(x1, n1, x2, n2, z)
        found = Measurement(
            metric=one.metric,
            value=x1 / n1 - x2 / n2,
            low=float(low),
            high=float(high),
            n=n1 + n2,
            method="newcombe",
            confidence=confidence,
            note=both(x1 / n1, x2 / n2),
        )
        yield Paired(found, x1 / n1, x2 / n2)


def _areas(challenger: Predictions, champion: Predictions, confidence: float, *, paired: bool) -> Paired:
    assert challenger.score is not None
    assert champion.score is not None
    z = critical_value(confidence)
    first, second = roc_auc(challenger.label, challenger.score), roc_auc(champion.label, champion.score)
    if paired:
        value, low, high, method = paired_auc_difference(challenger.label, challenger.score, champion.score, z)
    else:
        value, low, high, method = unpaired_auc_difference(first, second, z)
    found = Measurement(
        metric="roc_auc_score",
        value=value,
        low=low,
        high=high,
        n=len(challenger) if paired else len(challenger) + len(champion),
        method=method,
        confidence=confidence,
        note=both(first.value, second.value),
    )
    return Paired(found, first.value, second.value)


def _losses(
    challenger: Predictions, champion: Predictions, confidence: float, seed: int, *, paired: bool
) -> Iterator[Paired]:
    assert challenger.score is not None
    assert champion.score is not None
    first, second = row_losses(challenger, challenger.score), row_losses(champion, champion.score)
    for metric, one in first.items():
        two = second[metric]
        value = float(one.mean() - two.mean())
        low, high, method = _mean_difference(one, two, confidence, seed, paired=paired)
        found = Measurement(
            metric=metric,
            value=value,
            low=min(low, value),
            high=max(high, value),
            n=len(one) if paired else len(one) + len(two),
            method=method,
            confidence=confidence,
            note=both(float(one.mean()), float(two.mean())),
        )
        yield Paired(found, float(one.mean()), float(two.mean()))


def _mean_difference(
    one: Floats, two: Floats, confidence: float, seed: int, *, paired: bool
) -> tuple[float, float, str]:
    if paired and len(one) < FEW_ROWS:
        return *mean_bootstrap(one - two, None, confidence, seed=seed), "paired-bootstrap"
    z = critical_value(confidence)
    if paired:
        return *mean_delta(one - two, None, z), "paired-delta"
    half: Any = z * np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))
    value = one.mean() - two.mean()
    return float(value - half), float(value + half), "delta"
