"""What an explanation found as tables: what people look at beside the measurements. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.explain.asking import Column, rows_of
from audits.explain.feature_dictionary import FeatureDictionary
from audits.explain.findings import Findings
from audits.explain.importance import FEWEST, mean_importance, ranks, share_importance
from audits.explain.material import Material
from audits.explain.measurements import pair_strengths
from audits.explain.parameters import FEATURE, ExplanationParameters
from audits.explain.ranges import ranges_series
from audits.explain.reason_tally import examples_series, key_hashes, reasons_series
from audits.explain.resampling import standard_errors
from audits.intervals import critical_value
from audits.series import Series

IMPORTANCE, BY_GROUP, VALUES, PAIRS = "importance", "importance_by_group", "shapley_values", "interaction_strengths"
CURVES, SHUFFLED, STABILITY = "dependence", "permutation_importance", "explanation_stability"
_SWARMS, _POINTS, _DIGITS = 12, 500, 6


def series_of(
    found: Findings, material: Material, dictionary: FeatureDictionary, asked: ExplanationParameters
) -> Iterator[Series]:
    """Every table, by the first confidence; what holds nothing is left out."""
    tables = [
        importance_series(found, dictionary, asked),
        values_series(found, material, dictionary),
        *[series for column in asked.sensitive for series in _by_group(found, material, column, dictionary, asked)],
        *_curves(found, asked, dictionary),
        *_pairs(found, dictionary, asked),
        *_shuffled(found, dictionary, asked),
        *_stability(found, asked),
        *_reasons(found, material, asked),
        ranges_series(material.background),
    ]
    return (series for series in tables if series.rows)


def importance_series(found: Findings, dictionary: FeatureDictionary, asked: ExplanationParameters) -> Series:
    """Importance, share and place of every feature, the most important first."""
    values, names = found.explanation.values, found.explanation.features
    confidence = asked.confidences[0]
    mean, share = mean_importance(values, confidence), share_importance(values, confidence)
    places = ranks(values, confidence, seed=asked.seed)
    sure = found.rows >= FEWEST
    rows = [
        (
            names[j], dictionary.feature(names[j]).name, _number(mean.value[j]), *_limits(mean, j, sure),
            _number(share.value[j]), *_limits(share, j, sure), int(places.value[j]), *_limits(places, j, sure), found.rows,
            found.explanation.scale,
        )
        for j in np.argsort(-mean.value, kind="stable").tolist()
    ]  # fmt: skip
    columns = (
        "feature", "name", "importance", "low", "high", "share", "share_low", "share_high", "rank", "rank_low", "rank_high", "n",
        "scale",
    )  # fmt: skip
    return Series(name=IMPORTANCE, title="Importance of features", columns=columns, rows=tuple(rows))


def _limits(estimates: Any, place: int, sure: bool) -> tuple[float | None, float | None]:
    return (_number(estimates.low[place]), _number(estimates.high[place])) if sure else (None, None)


def values_series(found: Findings, material: Material, dictionary: FeatureDictionary) -> Series:
    """The contributions of up to 500 rows, for the 12 most important features: the points of a beeswarm.

    Beside each stands not the feature's value but its place among the rows, from 0 to 1: high or low is seen, nobody's value is.
    """
    values, names = found.explanation.values[:_POINTS], found.explanation.features
    rows = rows_of(material.rows, slice(len(values)))
    chosen = np.argsort(-np.abs(found.explanation.values).mean(axis=0), kind="stable")[:_SWARMS].tolist()
    return Series(
        name=VALUES,
        title="Contributions of single rows",
        columns=("feature", "name", "contributions", "places", "scale"),
        rows=tuple(
            (
                names[j],
                dictionary.feature(names[j]).name,
                _numbers(values[:, j]),
                _places(rows[names[j]]),
                found.explanation.scale,
            )
            for j in chosen
        ),
    )


def _places(column: Column) -> list[float | None]:
    """Where each number stands among all, from 0 to 1, equal ones in the same place; None for texts and what is missing."""
    if column.dtype.kind not in "biuf":
        return [None] * len(column)
    finite = np.isfinite(column)
    distinct, position = np.unique(column[finite], return_inverse=True)
    places: list[float | None] = [None] * len(column)
    for row, place in zip(np.flatnonzero(finite).tolist(), position.tolist(), strict=True):
        places[row] = round(place / max(len(distinct) - 1, 1), 3)
    return places


def _by_group(
    found: Findings, material: Material, column: str, dictionary: FeatureDictionary, asked: ExplanationParameters
) -> Iterator[Series]:
    values, names = found.explanation.values, found.explanation.features
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable").tolist()
    for group, members in material.members(column, found.rows).items():
        share = share_importance(values[members], asked.confidences[0])
        sure = len(members) >= FEWEST
        yield Series(
            name=BY_GROUP,
            title=f"What the score rests on, by {column}",
            slice={column: group},
            columns=("feature", "name", "share", "low", "high", "n", "few"),
            rows=tuple(
                (
                    names[j], dictionary.feature(names[j]).name, _number(share.value[j]), *_limits(share, j, sure),
                    len(members), not sure,
                )
                for j in order
            ),
        )  # fmt: skip


def _curves(found: Findings, asked: ExplanationParameters, dictionary: FeatureDictionary) -> Iterator[Series]:
    """Of each feature the mean score with single rows' at each value, then the mean of each group."""
    for curve in found.curves:
        words = dictionary.feature(curve.feature)
        title = f"{words.name} ({words.unit})" if words.unit else words.name
        slice_ = {FEATURE: curve.feature}
        numbers = [curve.grid, _numbers(curve.mean), _numbers(curve.low), _numbers(curve.high)]
        lines = [_numbers(column) for column in curve.lines.T]
        yield Series(
            name=CURVES,
            title=title,
            slice=slice_,
            columns=("value", "mean", "low", "high", "lines"),
            rows=tuple(zip(*numbers, lines, strict=True)),
        )
        for group, (mean, rows) in curve.groups.items():
            yield Series(
                name=CURVES,
                title=title,
                slice={**slice_, asked.sensitive[0]: group},
                columns=("value", "mean", "n"),
                rows=tuple((value, score, rows) for value, score in zip(curve.grid, _numbers(mean), strict=True)),
            )


def _pairs(found: Findings, dictionary: FeatureDictionary, asked: ExplanationParameters) -> Iterator[Series]:
    if found.pairs is None:
        return
    pairs, together, _ = pair_strengths(found.pairs)
    mean, half = together.mean(axis=0), critical_value(asked.confidences[0]) * standard_errors(together)
    names = [dictionary.feature(name).name for name in found.pairs.features]
    rows = [
        (names[pairs[k][0]], names[pairs[k][1]], _number(mean[k]), _number(max(mean[k] - half[k], 0.0)), _number(mean[k] + half[k]), len(together), found.pairs.scale)
        for k in np.argsort(-mean, kind="stable")[: asked.interactions].tolist()
    ]  # fmt: skip
    yield Series(
        name=PAIRS,
        title="Strongest interactions",
        columns=("first", "second", "strength", "low", "high", "n", "scale"),
        rows=tuple(rows),
    )


def _shuffled(found: Findings, dictionary: FeatureDictionary, asked: ExplanationParameters) -> Iterator[Series]:
    if found.shuffled is None:
        return
    metric, rows = found.shuffled.metric, len(found.shuffled.truth)
    drops = sorted(found.lost, key=lambda drop: -drop.value)
    yield Series(
        name=SHUFFLED,
        title="What is lost when a feature is shuffled",
        columns=("feature", "name", "metric", "drop", "low", "high", "n"),
        rows=tuple(
            (
                drop.feature, dictionary.feature(drop.feature).name, metric, _number(drop.value),
                *map(_number, drop.interval(asked.confidences[0])), rows,
            )
            for drop in drops
        ),
    )  # fmt: skip


def _stability(found: Findings, asked: ExplanationParameters) -> Iterator[Series]:
    stability = found.stability.get(asked.confidences[0])
    if stability is None:
        return
    quantities = (
        ("Rank correlation of importances", stability.correlation),
        (f"Share of the {stability.top} most important that stay so", stability.overlap),
        ("Largest change of a share", stability.change),
    )
    yield Series(
        name=STABILITY,
        title="Stability under other backgrounds",
        columns=("quantity", "value", "low", "high", "n"),
        rows=tuple(
            (words, _number(stable.value), _number(stable.low), _number(stable.high), stability.rows)
            for words, stable in quantities
        ),
    )


def _reasons(found: Findings, material: Material, asked: ExplanationParameters) -> list[Series]:
    if found.told is None or not found.told.places:
        return []
    groups = {column: material.members(column, found.rows) for column in asked.sensitive}
    keys = key_hashes(rows_of(material.keys, slice(found.rows)), found.rows, salt=str(asked.seed))
    return [*reasons_series(found.told, groups, asked.confidences[0]), examples_series(found.told, keys)]


def _number(value: Any) -> float | None:
    """A plain number with six significant digits; None for none."""
    return None if value is None or np.isnan(value) else float(f"{float(value):.{_DIGITS}g}")


def _numbers(values: npt.NDArray[Any]) -> list[float | None]:
    return [_number(value) for value in values.tolist()]
