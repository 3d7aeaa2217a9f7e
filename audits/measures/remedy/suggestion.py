"""Thresholds by group as a suggestion: the table ``remedies``, and the two measurements that a rule's fix quotes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audits.measurement import Measurement
from audits.measures.remedy.curves import Curve
from audits.measures.remedy.group_thresholds import (
    Choice,
    equal_opportunity,
    equal_selection,
    equalized_odds,
    parity,
    parity_by_least_change,
    parity_of_as_many,
)
from audits.measures.remedy.outcomes import Interval, Outcome
from audits.score_table import ScoreTable
from audits.series import Series
from audits.tensor import CountTensor

COLUMNS = (
    "remedy",
    "does",
    "thresholds",
    "selection_rate",
    "demographic_parity_ratio",
    "ratio_low",
    "ratio_high",
    "equalized_odds_difference",
    "odds_low",
    "odds_high",
    "accuracy_score",
    "accuracy_low",
    "accuracy_high",
    "caveat",
)
"""Columns of the series ``remedies``."""

CAVEAT = "thresholds by group treat people by their group, which law may forbid where you decide: ask first"
SAME_ROWS = "measured on the rows on which the thresholds were chosen"

_SUGGESTED, _FURTHER, _NEAR = 0.9, 0.8, 0.97
_MOST_NAMED = 4
_MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to decide: its name, what it does, the thresholds, and what comes of it."""

    name: str
    does: str
    thresholds: tuple[tuple[str, float | None], ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Remedies:
    """Decisions as they are, and the remedies found, the suggested one first.

    ``members`` indexes the groups that are compared; the others keep their decisions.
    """

    members: tuple[int, ...]
    now: Outcome
    found: tuple[Remedy, ...]


def remedies(tensor: CountTensor, scores: ScoreTable, *, minimum: float) -> Remedies | None:
    """Search thresholds for the groups of at least ``minimum`` of the rows.

    Parameters
    ----------
    tensor, scores
        Of the same groups, in the same order.

    Returns
    -------
    Remedies or None
        None where fewer than two groups can be compared, or more than a hundred.
    """
    rows = tensor.counts.sum(axis=1)
    members = [i for i, n in enumerate(rows.tolist()) if n / tensor.total >= minimum]
    if not 2 <= len(members) <= _MOST_GROUPS:  # noqa: PLR2004 - a comparison takes two
        return None
    names = [" × ".join(where.values()) for where in tensor.slices()]
    curves = [Curve.of_bins(scores.bins(member)) for member in members]
    now = Outcome.of_tensor(tensor)
    found = []
    for name, does, choice in _choices(curves, now, members):
        cuts = zip(members, curves, choice.cuts, strict=True)
        thresholds = tuple((names[member], curve.written(cut)) for member, curve, cut in cuts)
        found.append(Remedy(name, does, thresholds, now.with_cuts(members, curves, choice.cuts)))
    return Remedies(tuple(members), now, tuple(found))


def _choices(curves: Sequence[Curve], now: Outcome, members: Sequence[int]) -> list[tuple[str, str, Choice]]:
    near = equal_selection(curves)
    equal = (
        "group thresholds, equal selection",
        f"selection rates within {near.asked:g} of each other: as near as thresholds bring them",
        near,
    )
    ratios = [
        (f"group thresholds, ratio {ratio:g}", f"selection rates within {ratio:g} of each other", parity(curves, ratio))
        for ratio in (_SUGGESTED, _FURTHER)
    ]
    present = now.parity_ratio(members, 0.95)[0]
    far = present is None or present < _SUGGESTED
    found = [*ratios[:1], equal, *ratios[1:]] if far else [equal, *ratios]
    target = _SUGGESTED if far else _NEAR
    selected = now.selected(members)
    priced = parity_of_as_many(curves, target, selected)
    moved = parity_by_least_change(curves, target, now.selection_rates()[list(members)], selected)
    as_many = max((c for c in (priced, moved) if c is not None), key=lambda c: _right(curves, c), default=None)
    if as_many is not None:
        does = f"selection rates within {target:g} of each other, about as many selected as now"
        found.insert(0, (f"group thresholds, ratio {target:g}, as many selected", does, as_many))
    opportunity, odds = equal_opportunity(curves), equalized_odds(curves)
    if opportunity is not None:
        does = f"true positive rates within {opportunity.asked:g} of each other"
        found.append(("group thresholds, equal opportunity", does, opportunity))
    if odds is not None:
        does = f"true and false positive rates within {odds.asked:g} of each other"
        found.append(("group thresholds, equalized odds", does, odds))
    return found


def _right(curves: Sequence[Curve], choice: Choice) -> float:
    return sum(float(curve.right[cut]) for curve, cut in zip(curves, choice.cuts, strict=True))


def remedy_series(found: Remedies, columns: Sequence[str], confidence: float) -> Series:
    """The table of remedies, what is decided now first."""
    rows = [_row("as decided now", "", "", "", found.now, found.members, confidence)]
    for remedy in found.found:
        caveat = f"{CAVEAT}; {SAME_ROWS}"
        told = ", ".join(f"{name} {written(threshold)}" for name, threshold in remedy.thresholds)
        rows.append(_row(remedy.name, remedy.does, told, caveat, remedy.outcome, found.members, confidence))
    return Series(
        name="remedies", title=f"What thresholds by {' × '.join(columns)} would do", columns=COLUMNS, rows=tuple(rows)
    )


def _row(
    name: str, does: str, thresholds: str, caveat: str, outcome: Outcome, members: Sequence[int], confidence: float
) -> tuple[object, ...]:
    return (
        name,
        does,
        thresholds,
        outcome.selected(range(len(outcome.size))) / float(outcome.cells.sum()),
        *outcome.parity_ratio(members, confidence),
        *outcome.odds_difference(members, confidence),
        *outcome.accuracy(confidence),
        caveat,
    )


def written(threshold: float | None) -> str:
    """A threshold for people: at most four digits; in words where it selects nobody or everybody."""
    if threshold is None:
        return "above every score"
    return "0 (everybody)" if threshold == 0 else f"{threshold:.4g}"


def remedied(
    found: Remedies | None, tensor: CountTensor, *, minimum: float, confidence: float
) -> tuple[Measurement, Measurement]:
    """``remedied_demographic_parity_ratio`` and ``remedied_accuracy_score`` of the suggested remedy.

    The note of both says in one sentence what thresholds would do.
    """
    if found is None:
        note = "undefined: fewer than two groups (or more than a hundred) to find thresholds for"
        none: Interval = (None, None, None)
        return (
            _measured("remedied_demographic_parity_ratio", none, "koopman-sidak", tensor, minimum, confidence, note),
            _measured("remedied_accuracy_score", none, "wilson", tensor, minimum, confidence, note),
        )
    best = found.found[0]
    ratio, accuracy = best.outcome.parity_ratio(found.members, confidence), best.outcome.accuracy(confidence)
    note = sentence(found, confidence)
    return (
        _measured("remedied_demographic_parity_ratio", ratio, "koopman-sidak", tensor, minimum, confidence, note),
        _measured("remedied_accuracy_score", accuracy, "wilson", tensor, minimum, confidence, note),
    )


def sentence(found: Remedies, confidence: float) -> str:
    """``thresholds of 0.47 for black and 0.55 for white would bring the ratio from 0.71 to 0.91 and accuracy from …``."""
    best = found.found[0]
    named = [f"{written(threshold)} for {name}" for name, threshold in best.thresholds]
    more = len(named) - _MOST_NAMED
    if more > 0:
        named = [*named[:_MOST_NAMED], f"others for {more} more groups"]
    told = f"{', '.join(named[:-1])} and {named[-1]}"
    before, after = (outcome.parity_ratio(found.members, confidence)[0] for outcome in (found.now, best.outcome))
    ratios = f"from {before:.2f} to {after:.2f}" if before is not None else f"to {after:.2f}"
    one, two = found.now.accuracy(confidence)[0], best.outcome.accuracy(confidence)[0]
    many = [outcome.selected(range(len(outcome.size))) / outcome.cells.sum() for outcome in (found.now, best.outcome)]
    return (
        f"thresholds of {told} would bring the ratio {ratios} and accuracy from {one:.2f} to {two:.2f}, "
        f"with {many[0]:.0%} selected now and {many[1]:.0%} then"
    )


def _measured(
    metric: str,
    interval: Interval,
    method: str,
    tensor: CountTensor,
    minimum: float,
    confidence: float,
    note: str,
) -> Measurement:
    value, low, high = interval
    return Measurement(
        metric=metric,
        value=value,
        low=low,
        high=high,
        n=tensor.total,
        method=method if tensor.mass is None else f"{method}-kish",
        confidence=confidence,
        over=tensor.columns,
        minimum_group=minimum,
        note=note,
    )
