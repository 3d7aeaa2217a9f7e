"""Checks our values against fairlearn's, on the compressed table: a second opinion in every report. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from audits.rates import GROUP_RATES
from audits.tensor import CountTensor
from registry.errors import CountersignError

WITHIN = 1e-12


class CrossCheckFailed(CountersignError):
    """Our value of a rate differs from fairlearn's: neither can be trusted, and nothing may pass on it."""

    code = "cross-check"


def cross_check(tensor: CountTensor, over: Sequence[Sequence[str]]) -> str:
    """Compare the rates of every group with those of ``fairlearn.metrics.MetricFrame``.

    Parameters
    ----------
    tensor
        The counts, over all the columns named in ``over``.
    over
        The sets of columns to group by; everybody is compared as well.

    Returns
    -------
    str
        What was compared: ``fairlearn 0.13.0: 95 values equal within 1e-12``.

    Raises
    ------
    CrossCheckFailed
        If any value differs by more than 1e-12.

    Notes
    -----
    fairlearn runs over at most ``4 G`` rows, one per occupied cell, with the cell's weight as ``sample_weight``: the same
    values as on the rows themselves, without reading them again.
    """
    compared = sum(_compare(tensor.margin(columns)) for columns in [(), *map(tuple, over)])
    return f"fairlearn {version('fairlearn')}: {compared:,} values equal within {WITHIN:.0e}"


def _compare(tensor: CountTensor) -> int:
    ours = {rate.name: rate.point(tensor) for rate in GROUP_RATES}
    theirs = _by_fairlearn(tensor)
    for name, values in ours.items():
        # Where a group has no row in the denominator fairlearn says 0 and we say undefined.
        wrong = np.abs(values - theirs[name]) > WITHIN
        if wrong.any():
            index = int(np.argmax(wrong))
            raise CrossCheckFailed(
                f"{name} of {tensor.slices()[index] or 'everybody'} is {values[index]!r} by our count and "
                f"{theirs[name][index]!r} by fairlearn; please report this",
                field=name,
            )
    return sum(int((~np.isnan(values)).sum()) for values in ours.values())


def _by_fairlearn(tensor: CountTensor) -> dict[str, Any]:
    import pandas as pd
    from fairlearn import metrics as fair
    from sklearn.metrics import accuracy_score, precision_score

    def precision(label: Any, prediction: Any, sample_weight: Any) -> float:
        return float(precision_score(label, prediction, sample_weight=sample_weight, zero_division=0.0))

    functions: dict[str, Any] = {
        "selection_rate": fair.selection_rate,
        "true_positive_rate": fair.true_positive_rate,
        "false_positive_rate": fair.false_positive_rate,
        "false_negative_rate": fair.false_negative_rate,
        "accuracy_score": accuracy_score,
        "precision_score": precision,
    }
    group, cell = np.nonzero(tensor.counts)
    weight = tensor.weights[group, cell]
    frame = fair.MetricFrame(
        metrics=functions,
        y_true=cell // 2,
        y_pred=cell % 2,
        sensitive_features=pd.Series(group, name="group"),
        sample_params={name: {"sample_weight": weight} for name in functions},
    )
    by_group = frame.by_group.sort_index()
    return {name: by_group[name].to_numpy(dtype=np.float64) for name in functions}
