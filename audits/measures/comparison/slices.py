"""Challenger minus champion within every group, with intervals that hold for all groups of a set of columns at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audits.auc import paired_auc_difference, roc_auc
from audits.intervals import Floats, critical_value, mean_bootstrap, mean_delta
from audits.measurement import Measurement
from audits.measures.comparison.joint import JointTable, PairedCounts, paired_rates
from audits.paired import mcnemar, tango_difference
from audits.performance import FEW_ROWS, row_losses
from audits.predictions import Predictions

LEAST_OF_A_CLASS = 10
"""Rows that each class needs in a group before areas under the curve are compared there."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A difference, with the two values that it is made of; ``None`` where undefined."""

    measurement: Measurement
    challenger: float | None
    champion: float | None


def measure_slices(
    challenger: Predictions, champion: Predictions, table: JointTable, *, confidences: Sequence[float], seed: int
) -> Iterator[Paired]:
    """Every metric of every group, for each confidence.

    Notes
    -----
    The groups of one set of columns share no row, so their differences are independent and Šidák's level is exact for the
    family: each interval has level ``confidence ** (1 / groups)``.
    """
    scored = challenger.score is not None and champion.score is not None
    losses = _losses(challenger, champion) if scored else {}
    for confidence in confidences:
        level = confidence ** (1 / len(table.slices))
        for index, slice_ in enumerate(table.slices):
            for metric, counts in paired_rates(table.counts[index]).items():
                yield paired_rate(metric, counts, confidence, level=level, slice_=slice_)
            if scored:
                rows = table.rows(index)
                yield _area(challenger, champion, rows, confidence, level=level, slice_=slice_)
                for metric, both in losses.items():
                    yield _loss(metric, both[0][rows], both[1][rows], confidence, level=level, slice_=slice_, seed=seed)


def paired_rate(
    metric: str, counts: PairedCounts, confidence: float, *, level: float, slice_: dict[str, str] | None = None
) -> Paired:
    """A rate's difference with Tango's interval at ``level``, and what McNemar's test says of it."""
    suffix = "" if level == confidence else "-sidak"
    place = {
        "metric": metric,
        "slice": slice_ or {},
        "n": counts.n,
        "confidence": confidence,
        "method": f"tango{suffix}",
    }
    if not counts.n:
        note = "no row of this group has the label that it is a share of"
        return Paired(Measurement(value=None, note=note, **place), None, None)  # type: ignore[arg-type]
    x1, x2, n, b, c = counts.challenger, counts.champion, counts.n, counts.challenger_only, counts.champion_only
    low, high = tango_difference(b, c, n, critical_value(level))
    p, test = mcnemar(b, c)
    note = f"{both(x1 / n, x2 / n)}; discordant {b} against {c}, {test} p = {p:.4g}"
    # The difference of the two shares as it is printed beside them; (b − c)/n is the same but for the last bit.
    value = x1 / n - x2 / n
    return Paired(Measurement(value=value, low=low, high=high, note=note, **place), x1 / n, x2 / n)  # type: ignore[arg-type]


def both(challenger: float, champion: float) -> str:
    """The two values, as notes say them."""
    return f"challenger {challenger:.4f}, champion {champion:.4f}"


def _area(
    challenger: Predictions,
    champion: Predictions,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    confidence: float,
    *,
    level: float,
    slice_: dict[str, str],
) -> Paired:
    assert challenger.score is not None
    assert champion.score is not None
    label = challenger.label[rows]
    fewest = min(int((label == 1).sum()), int((label == 0).sum()))
    place = {"metric": "roc_auc_score", "slice": slice_, "n": len(rows), "confidence": confidence}
    if fewest < LEAST_OF_A_CLASS:
        note = f"a class has {fewest} rows in this group, fewer than {LEAST_OF_A_CLASS}"
        return Paired(Measurement(value=None, method="paired-delong", note=note, **place), None, None)  # type: ignore[arg-type]
    one, two = challenger.score[rows], champion.score[rows]
    value, low, high, method = paired_auc_difference(label, one, two, critical_value(level))
    first, second = roc_auc(label, one).value, roc_auc(label, two).value
    found = Measurement(
        value=value, low=low, high=high, method=_named(method, confidence, level), note=both(first, second), **place,  # type: ignore[arg-type]
    )  # fmt: skip
    return Paired(found, first, second)


def _losses(challenger: Predictions, champion: Predictions) -> dict[str, tuple[Floats, Floats]]:
    assert challenger.score is not None
    assert champion.score is not None
    first, second = row_losses(challenger, challenger.score), row_losses(champion, champion.score)
    return {metric: (first[metric], second[metric]) for metric in first}


def _loss(
    metric: str, one: Floats, two: Floats, confidence: float, *, level: float, slice_: dict[str, str], seed: int
) -> Paired:
    if len(one) < LEAST_OF_A_CLASS:
        note = f"{len(one)} rows in this group, fewer than {LEAST_OF_A_CLASS}: too few to know how they vary"
        empty = Measurement(
            metric=metric,
            slice=slice_,
            value=None,
            n=len(one),
            method="paired-bootstrap",
            confidence=confidence,
            note=note,
        )
        return Paired(empty, None, None)
    value = float(one.mean() - two.mean())
    if len(one) < FEW_ROWS:
        low, high = mean_bootstrap(one - two, None, level, seed=seed)
        method = "paired-bootstrap"
    else:
        low, high = mean_delta(one - two, None, critical_value(level))
        method = "paired-delta"
    first, second = float(one.mean()), float(two.mean())
    found = Measurement(
        metric=metric, slice=slice_, value=value, low=min(low, value), high=max(high, value), n=len(one),
        method=_named(method, confidence, level), confidence=confidence, note=both(first, second),
    )  # fmt: skip
    return Paired(found, first, second)


def _named(method: str, confidence: float, level: float) -> str:
    return method if level == confidence else f"{method}-sidak"
