"""Proxies as measurements and as a table, the strongest first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audits.auc import Auc, auc_interval
from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.proxies.encoding import Feature, feature_of, groups_of
from audits.measures.proxies.macro_auc import macro_auc
from audits.measures.proxies.prediction import FOLDS, LEAST_ROWS, by_all, by_one, folds
from audits.measures.sampled_rows import Sample, sample_rows
from audits.series import Series
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine
    from audits.measures.proxies.parameters import Proxies

COLUMNS = ("attribute", "features", "roc_auc", "low", "high", "n", "note")
"""Columns of the series ``proxies``."""

ALL = "all features"


def find_proxies(
    engine: Engine, asked: Proxies, step: Callable[[float], None]
) -> tuple[list[Measurement], Series, list[str]]:
    """How well all features together, and each alone, predict every sensitive column.

    Returns
    -------
    measurements, series, warnings
        ``proxy_roc_auc`` with the slice ``{"attribute": a}`` for all features and ``{"attribute": a, "feature": f}`` for one.

    Raises
    ------
    InvalidInput
        If a column is not there or cannot be a feature, a sensitive column has too many groups, or there are too few rows.
    """
    engine.require(*asked.features, field="features")
    engine.require(*asked.sensitive, field="sensitive")
    nested = [name for name in asked.features if engine.columns[name] == "other"]
    if nested:
        raise InvalidInput(f"column {nested[0]!r} holds nested values, which cannot be a feature", field="features")
    columns = list(dict.fromkeys([*asked.features, *asked.sensitive]))
    sample = sample_rows(engine, columns, asked.rows, key=asked.key, seed=asked.seed)
    if len(sample.table) < FOLDS * LEAST_ROWS:
        raise InvalidInput(
            f"there are {len(sample.table)} rows; proxies cannot be judged on fewer than {FOLDS * LEAST_ROWS}",
            field="data",
        )
    features = {name: feature_of(sample.table, name) for name in asked.features}
    measurements: list[Measurement] = []
    for number, attribute in enumerate(asked.sensitive):
        usable = [feature for name, feature in features.items() if name != attribute]
        measurements += _of_attribute(attribute, usable, sample, asked)
        step((number + 1) / len(asked.sensitive))
    warnings = [
        f"{name!r} is a feature itself: the model sees it and needs no proxy; here it does not predict itself"
        for name in asked.sensitive
        if name in features
    ]
    return measurements, _series(measurements, asked.confidences[0]), warnings


def _of_attribute(attribute: str, features: Sequence[Feature], sample: Sample, asked: Proxies) -> list[Measurement]:
    codes, names = groups_of(sample.table, attribute)
    if len(names) > asked.max_groups:
        raise InvalidInput(
            f"column {attribute!r} has {len(names)} groups; at most {asked.max_groups} can be predicted: bin it",
            field="sensitive",
        )
    sizes = np.bincount(codes)
    kept = np.flatnonzero(sizes >= LEAST_ROWS)
    left_out = [f"{names[i]} ({sizes[i]})" for i in range(len(names)) if sizes[i] < LEAST_ROWS]
    note = sample.said + (f"; left out with fewer than {LEAST_ROWS} rows: {', '.join(left_out)}" if left_out else "")
    everything: list[tuple[str | None, Auc | None]] = []
    rows = int(sizes[kept].sum())
    if len(kept) < 2:  # noqa: PLR2004 - a comparison takes two
        note = f"undefined: fewer than two groups have {LEAST_ROWS} rows or more; {note}"
        everything = [(None, None), *((feature.name, None) for feature in features)]
    else:
        mine = np.isin(codes, kept)
        codes = np.searchsorted(kept, codes[mine])
        cut = [Feature(name=f.name, values=f.values[mine], categorical=f.categorical) for f in features]
        fold = folds(codes, asked.seed)
        everything.append((None, macro_auc(codes, by_all(cut, codes, fold, asked.seed))))
        everything += [(feature.name, macro_auc(codes, by_one(feature, codes, fold))) for feature in cut]
        everything[1:] = sorted(everything[1:], key=lambda found: (-found[1].value if found[1] else 0, found[0] or ""))
    return [
        _measurement(attribute, feature, area, rows, confidence, note)
        for confidence in asked.confidences
        for feature, area in everything
    ]


def _measurement(
    attribute: str, feature: str | None, area: Auc | None, rows: int, confidence: float, note: str
) -> Measurement:
    where = {"attribute": attribute, **({"feature": feature} if feature is not None else {})}
    how = f"{FOLDS}-fold cross-validation" + ("" if feature is not None else ", gradient-boosted trees")
    low, high, method = auc_interval(area, critical_value(confidence)) if area else (None, None, "delong-logit")
    return Measurement(
        metric="proxy_roc_auc",
        slice=where,
        value=area.value if area else None,
        low=low,
        high=high,
        n=rows,
        method=f"{method}-out-of-fold",
        confidence=confidence,
        note=f"{how}; {note}" if area else note,
    )


def _series(measurements: Sequence[Measurement], confidence: float) -> Series:
    rows = [
        (m.slice["attribute"], m.slice.get("feature", ALL), m.value, m.low, m.high, m.n, m.note)
        for m in measurements
        if m.confidence == confidence
    ]
    return Series(
        name="proxies",
        title="How well features predict sensitive attributes (0.5: not at all, 1: completely)",
        columns=COLUMNS,
        rows=tuple(rows),
    )
