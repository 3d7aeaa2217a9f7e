"""What decisions are worth: amounts per outcome, the mean of both models, and the paired difference. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np

from audits.intervals import Floats, critical_value, wilson
from audits.measurement import Measurement
from audits.measures.comparison.joint import Counts, JointTable
from audits.wording import money
from registry.amounts import Amounts

METRIC = "benefit_difference"
_PER = 1000


def measure_benefit(table: JointTable, amounts: Amounts, *, confidences: Sequence[float]) -> Iterator[Measurement]:
    """``benefit_difference`` of every group of ``table``: mean per decision, challenger − champion, in ``amounts.currency``.

    Over several groups the intervals hold together, by Šidák, which is exact for groups that share no row.
    """
    for confidence in confidences:
        z = critical_value(confidence, len(table.slices))
        for slice_, counts in zip(table.slices, table.counts, strict=True):
            value, low, high = benefit_difference(counts, amounts, z)
            challenger, champion = benefits(counts, amounts)
            yield Measurement(
                metric=METRIC,
                slice=slice_,
                value=value,
                low=low,
                high=high,
                n=int(counts.sum()),
                method="mover-wilson-sidak" if len(table.slices) > 1 else "mover-wilson",
                confidence=confidence,
                note=(
                    f"challenger {money(challenger, amounts.currency)}, champion {money(champion, amounts.currency)} a decision; "
                    f"{money(value * _PER, amounts.currency, sign=True)} in 1,000 decisions"
                ),
            )


def benefits(counts: Counts, amounts: Amounts) -> tuple[float, float]:
    """Mean amount per decision of the challenger and of the champion, from (2, 2, 2) counts."""
    worth, n = _worth(amounts), counts.sum()
    challenger, champion = counts.sum(axis=2), counts.sum(axis=1)
    return float((challenger * worth).sum() / n), float((champion * worth).sum() / n)


def benefit_difference(counts: Counts, amounts: Amounts, z: float) -> tuple[float, float, float]:
    """The mean paired difference with its interval: ``(value, low, high)``.

    Notes
    -----
    A row on which both decide alike adds nothing, so the mean is ``Σ d_k p_k`` over the four kinds of flips (by label and
    direction): ``p_k`` their shares of all rows, ``d_k`` what one such flip changes. Variance recovery from Wilson's limits of
    each share, with the correlation ``−√(p_i p_j / ((1 − p_i)(1 − p_j)))`` of a multinomial: Zou, G. Y. and Donner, A. (2008),
    Statistics in Medicine 27, 1693–1702. Unlike the bootstrap it has a width where no decision flipped: that none of
    50 rows flipped does not show that none ever will.
    """
    worth, n = _worth(amounts), int(counts.sum())
    gain = worth[:, 1] - worth[:, 0]
    each = np.concatenate([gain, -gain])
    flips = np.concatenate([counts[:, 1, 0], counts[:, 0, 1]]).astype(np.float64)
    share = flips / n
    low, high = wilson(flips, n, z)
    value = float((each * share).sum())
    below = each * (share - np.where(each > 0, low, high))
    above = each * (np.where(each > 0, high, low) - share)
    signs = np.sign(each)
    return value, value - _spread(below, share, signs), value + _spread(above, share, signs)


def _spread(distances: Floats, share: Floats, signs: Floats) -> float:
    """``√(Σ Σ r_ij x_i x_j)`` of what each share may push the sum by, with the correlations of multinomial shares."""
    odds = np.sqrt(share / np.maximum(1 - share, np.finfo(float).tiny))
    correlation = -np.outer(odds, odds).clip(max=1.0) * np.outer(signs, signs)
    np.fill_diagonal(correlation, 1.0)
    return sqrt(max(float(distances @ correlation @ distances), 0.0))


def _worth(amounts: Amounts) -> Floats:
    """(2, 2): label, decision."""
    return np.array(
        [[amounts.true_negative, amounts.false_positive], [amounts.false_negative, amounts.true_positive]], dtype=float
    )
