"""What an explanation found as measurements: the atoms that rules read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from audits.explain.explanation import Interactions
from audits.explain.findings import Findings
from audits.explain.groups import Gap, Gaps, share_gaps
from audits.explain.importance import FEWEST, Estimates, mean_importance, ranks, share_importance
from audits.explain.material import Material
from audits.explain.parameters import FEATURE, ExplanationParameters
from audits.explain.resampling import standard_errors
from audits.explain.stability import Stable
from audits.intervals import Floats, critical_value
from audits.measurement import Measurement

PAIR = "pair"
_NOTHING = "no feature contributes anything: the score is the same for every row"
_FEW_ROWS = f"fewer than {FEWEST} rows were explained"


def measurements_of(found: Findings, material: Material, asked: ExplanationParameters) -> Iterator[Measurement]:
    """Every measurement, at each confidence."""
    explanation = found.explanation
    error, rows = float(explanation.additivity_error), found.rows
    for confidence in asked.confidences:
        yield Measurement(
            metric="additivity_error", value=error, low=error, high=error, n=rows, method="largest of the rows", confidence=confidence,
            note=f"the model's own scores against contributions by {explanation.method}, explained as {explanation.scale}",
        )  # fmt: skip
        yield from _importance(found, confidence, asked.seed)
        for column in asked.sensitive:
            yield from _by_group(found, material, column, confidence, asked.seed)
        yield from _pairs(found, confidence)
        yield from _stability(found, confidence)
        for drop in found.lost:
            low, high = drop.interval(confidence)
            yield Measurement(
                metric="permutation_importance", slice={FEATURE: drop.feature}, value=drop.value, low=low, high=high,
                n=0 if found.shuffled is None else len(found.shuffled.truth), method=drop.method, confidence=confidence,
                )  # fmt: skip


def _importance(found: Findings, confidence: float, seed: int) -> Iterator[Measurement]:
    values, features = found.explanation.values, found.explanation.features
    for metric, estimates in (
        ("feature_importance", mean_importance(values, confidence)),
        ("importance_share", share_importance(values, confidence)),
        ("importance_rank", ranks(values, confidence, seed=seed)),
    ):
        for place, name in enumerate(features):
            yield _estimate(metric, {FEATURE: name}, estimates, place, found.rows, confidence)


def _estimate(
    metric: str, slice_: dict[str, str], estimates: Estimates, place: int, rows: int, confidence: float
) -> Measurement:
    value, low, high = (float(side[place]) for side in (estimates.value, estimates.low, estimates.high))
    common: dict[str, Any] = {"metric": metric, "slice": slice_, "n": rows, "confidence": confidence}
    if np.isnan(value):
        return Measurement(**common, value=None, method=estimates.method, note=_NOTHING)
    if rows < FEWEST:
        return Measurement(**common, value=value, method="no interval", note=f"{_FEW_ROWS}: no interval is given")
    return Measurement(**common, value=value, low=low, high=high, method=estimates.method)


def _by_group(found: Findings, material: Material, column: str, confidence: float, seed: int) -> Iterator[Measurement]:
    members = material.members(column, found.rows)
    values, features = found.explanation.values, found.explanation.features
    for group, rows in members.items():
        estimates = share_importance(values[rows], confidence)
        for place, name in enumerate(features):
            yield _estimate("importance_share", {FEATURE: name, column: group}, estimates, place, len(rows), confidence)
    gaps = share_gaps(values, members, confidence, seed=seed)
    common: dict[str, Any] = {
        "metric": "importance_share_difference",
        "over": (column,),
        "n": gaps.rows,
        "confidence": confidence,
    }
    worst = gaps.largest
    if worst is None:
        few = f"fewer than two groups have at least {FEWEST} explained rows"
        yield Measurement(**common, value=None, method="max-t bootstrap", note=few)
        return
    yield Measurement(
        **common, value=worst.value, low=worst.low, high=worst.high, method="max-t bootstrap",
        note=_gap_words(worst, gaps, features[worst.feature]),
    )  # fmt: skip
    for gap in gaps.by_feature:
        yield Measurement(
            **common, slice={FEATURE: features[gap.feature]}, value=gap.value, low=gap.low, high=gap.high,
            method="max-t bootstrap", note=_gap_words(gap, gaps, ""),
        )  # fmt: skip


def _gap_words(gap: Gap, gaps: Gaps, feature: str) -> str:
    left = f"; left out with fewer than {FEWEST} rows: {', '.join(gaps.left_out)}" if gaps.left_out else ""
    if not gap.value:
        return left.removeprefix("; ")
    of = f"{feature}: " if feature else ""
    return f"{of}most for {gap.more}, least for {gap.less}{left}"


def pair_strengths(pairs_found: Interactions) -> tuple[list[tuple[int, int]], Floats, Floats]:
    """All pairs, (n, pairs) sizes of what each moves together, and (n, features) of what each feature moves alone."""
    values = pairs_found.values
    pairs = list(combinations(range(values.shape[1]), 2))
    together = np.stack([np.abs(values[:, one, two] + values[:, two, one]) for one, two in pairs], axis=1)
    alone: Floats = np.abs(np.diagonal(values, axis1=1, axis2=2))
    return pairs, together, alone


def _pairs(found: Findings, confidence: float) -> Iterator[Measurement]:
    """The share of what pairs move together in all that is moved, of all pairs and of each."""
    if found.pairs is None:
        return
    pairs, together, alone = pair_strengths(found.pairs)
    features, rows = found.pairs.features, len(together)
    whole = together.sum(axis=1) + alone.sum(axis=1)
    columns = np.column_stack([together.sum(axis=1), together])
    total = float(whole.mean())
    slices = [{}, *({PAIR: f"{features[one]} × {features[two]}"} for one, two in pairs)]
    if total <= 0:
        yield Measurement(
            metric="interaction_share", value=None, n=rows, method="delta", confidence=confidence, note=_NOTHING
        )
        return
    values = columns.mean(axis=0) / total
    errors = standard_errors((columns - values * whole[:, None]) / total)
    order = [0, *(1 + int(place) for place in np.argsort(-values[1:], kind="stable")[:_MOST_PAIRS])]
    for place in order:
        half = critical_value(confidence) * float(errors[place])
        value = float(values[place])
        yield Measurement(
            metric="interaction_share", slice=slices[place], value=value, low=max(value - half, 0.0), high=min(value + half, 1.0),
            n=rows, method="delta", confidence=confidence, note="" if place else _how(found.pairs),
        )  # fmt: skip


def _how(pairs: Interactions) -> str:
    if pairs.standard_error is None:
        return f"by {pairs.method}"
    typical = float(np.median(pairs.standard_error))
    return f"by {pairs.method}; a single value's standard error is {typical:.2g}, which makes small ones look larger"


_MOST_PAIRS = 100


def _stability(found: Findings, confidence: float) -> Iterator[Measurement]:
    stability = found.stability.get(confidence)
    if stability is None:
        return
    for metric, stable in (
        ("stability", stability.correlation),
        ("top_features_overlap", stability.overlap),
        ("importance_share_change", stability.change),
    ):
        yield _stable(metric, stable, stability.rows, stability.repeats, confidence)


def _stable(metric: str, stable: Stable, rows: int, repeats: int, confidence: float) -> Measurement:
    note = f"over {repeats} other backgrounds"
    if stable.value is None:
        note = "every feature matters as much as every other, so none has a place"
    return Measurement(
        metric=metric, value=stable.value, low=stable.low, high=stable.high, n=rows, method="bootstrap of rows and backgrounds",
        confidence=confidence, note=note,
    )  # fmt: skip
